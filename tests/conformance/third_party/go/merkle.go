package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

// hexBytes reads a JSON string of hexadecimal digits.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	*h = decoded
	return err
}

type merkleVectors struct {
	Roots []struct {
		Size int
		Root hexBytes
	}
	Inclusion []struct {
		Name        string
		Size, Index uint64
		LeafHash    hexBytes `json:"leaf_hash"`
		Root        hexBytes
		Path        []hexBytes
	}
	Consistency []struct {
		Name    string
		OldSize uint64   `json:"old_size"`
		NewSize uint64   `json:"new_size"`
		OldRoot hexBytes `json:"old_root"`
		NewRoot hexBytes `json:"new_root"`
		Path    []hexBytes
	}
}

func plain(path []hexBytes) [][]byte {
	out := make([][]byte, 0, len(path))
	for _, hash := range path {
		out = append(out, hash)
	}
	return out
}

// growingTree keeps the hashes that tlog stores, for leaves of the golden pattern.
type growingTree struct {
	stored []tlog.Hash
	size   int64
}

func (t *growingTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		out = append(out, t.stored[index])
	}
	return out, nil
}

func (t *growingTree) growTo(size int64) error {
	for ; t.size < size; t.size++ {
		hashes, err := tlog.StoredHashes(t.size, bytes.Repeat([]byte{byte(t.size)}, int(t.size)), t)
		if err != nil {
			return err
		}
		t.stored = append(t.stored, hashes...)
	}
	return nil
}

func verifyRoots(v merkleVectors) error {
	var tree growingTree
	for _, want := range v.Roots {
		if err := tree.growTo(int64(want.Size)); err != nil {
			return err
		}
		got, err := tlog.TreeHash(int64(want.Size), &tree)
		if err != nil {
			return err
		}
		if !bytes.Equal(got[:], want.Root) {
			return fmt.Errorf("the root at size %d is %x", want.Size, got)
		}
	}
	return nil
}

func verifyPaths(v merkleVectors) error {
	hasher := rfc6962.DefaultHasher
	for _, c := range v.Inclusion {
		if err := proof.VerifyInclusion(hasher, c.Index, c.Size, c.LeafHash, plain(c.Path), c.Root); err != nil {
			return fmt.Errorf("inclusion %s: %w", c.Name, err)
		}
	}
	for _, c := range v.Consistency {
		if err := proof.VerifyConsistency(hasher, c.OldSize, c.NewSize, plain(c.Path), c.OldRoot, c.NewRoot); err != nil {
			return fmt.Errorf("consistency %s: %w", c.Name, err)
		}
	}
	return nil
}

// verifyMerkle checks our golden tree vectors, so that they have a third party's word too.
func verifyMerkle(o options) error {
	text, err := os.ReadFile(o.merkle)
	if err != nil {
		return err
	}
	var v merkleVectors
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	if err := verifyRoots(v); err != nil {
		return err
	}
	if err := verifyPaths(v); err != nil {
		return err
	}
	fmt.Printf("accepted %d roots, %d inclusion and %d consistency proofs\n", len(v.Roots), len(v.Inclusion),
		len(v.Consistency))
	return nil
}
