package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	tproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// openCheckpoint verifies the note with the log's key and every cosigner's; all of them must have signed.
func openCheckpoint(o options, signed []byte) (*log.Checkpoint, error) {
	logKey, err := note.NewVerifier(o.key)
	if err != nil {
		return nil, fmt.Errorf("the log's verifier key: %w", err)
	}
	var cosigners []note.Verifier
	for _, text := range o.cosigners {
		verifier, err := fnote.NewVerifierForCosignatureV1(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("a cosigner's verifier key: %w", err)
		}
		cosigners = append(cosigners, verifier)
	}
	checkpoint, extension, opened, err := log.ParseCheckpoint(signed, logKey.Name(), logKey, cosigners...)
	if err != nil {
		return nil, err
	}
	if len(extension) > 0 {
		return nil, errors.New("the checkpoint has extension lines")
	}
	if len(checkpoint.Hash) != sha256.Size {
		return nil, fmt.Errorf("the root has %d bytes", len(checkpoint.Hash))
	}
	return checkpoint, requireCosigners(opened, cosigners)
}

func requireCosigners(opened *note.Note, cosigners []note.Verifier) error {
	for _, cosigner := range cosigners {
		found := false
		for _, signature := range opened.Sigs {
			if signature.Name != cosigner.Name() || signature.Hash != cosigner.KeyHash() {
				continue
			}
			at, err := fnote.CoSigV1Timestamp(signature)
			if err != nil {
				return err
			}
			fmt.Printf("accepted cosignature of %s at %s\n", cosigner.Name(), at.UTC().Format("2006-01-02T15:04:05Z"))
			found = true
		}
		if !found {
			return fmt.Errorf("no cosignature of %s", cosigner.Name())
		}
	}
	return nil
}

func verifyCheckpointFile(o options) error {
	signed, err := os.ReadFile(o.checkpoint)
	if err != nil {
		return err
	}
	checkpoint, err := openCheckpoint(o, signed)
	if err != nil {
		return err
	}
	fmt.Printf("accepted checkpoint of %s, size %d\n", checkpoint.Origin, checkpoint.Size)
	return nil
}

func verifyProofFile(o options) error {
	text, err := os.ReadFile(o.proof)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(o.leaf)
	if err != nil {
		return err
	}
	var parsed tproof.TLogProof
	if err := parsed.Unmarshal(text); err != nil {
		return err
	}
	if string(parsed.Marshal()) != string(text) {
		return errors.New("the proof is not in its normal form")
	}
	checkpoint, err := openCheckpoint(o, parsed.Checkpoint)
	if err != nil {
		return err
	}
	if err := verifyInclusion(parsed, checkpoint, leaf); err != nil {
		return err
	}
	fmt.Printf("accepted leaf %d of %s, size %d\n", parsed.Index, checkpoint.Origin, checkpoint.Size)
	return nil
}

// verifyInclusion asks two libraries, Go's own and the transparency-dev project's.
func verifyInclusion(parsed tproof.TLogProof, checkpoint *log.Checkpoint, leaf []byte) error {
	const sizeMax = 1 << 62
	if checkpoint.Size > sizeMax || parsed.Index >= checkpoint.Size {
		return fmt.Errorf("no leaf %d in a tree of size %d", parsed.Index, checkpoint.Size)
	}
	var record tlog.RecordProof
	var path [][]byte
	for _, hash := range parsed.Hashes {
		record = append(record, tlog.Hash(hash))
		path = append(path, append([]byte{}, hash[:]...))
	}
	err := tlog.CheckRecord(record, int64(checkpoint.Size), tlog.Hash(checkpoint.Hash), int64(parsed.Index),
		tlog.RecordHash(leaf))
	if err != nil {
		return fmt.Errorf("x/mod/sumdb/tlog: %w", err)
	}
	hasher := rfc6962.DefaultHasher
	err = proof.VerifyInclusion(hasher, parsed.Index, checkpoint.Size, hasher.HashLeaf(leaf), path, checkpoint.Hash)
	if err != nil {
		return fmt.Errorf("transparency-dev/merkle: %w", err)
	}
	return nil
}

// verifySigner checks that Go reads the private key text and that it is the verifier key's.
func verifySigner(o options) error {
	text, err := os.ReadFile(o.signer)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(o.key)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: "test\n"}, signer)
	if err != nil {
		return err
	}
	if _, err := note.Open(signed, note.VerifierList(verifier)); err != nil {
		return err
	}
	fmt.Printf("accepted private key of %s\n", signer.Name())
	return nil
}
