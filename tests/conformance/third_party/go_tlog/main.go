// Command tlogverify accepts or rejects a ledger's log of tiles and its receipts with Go's own packages for transparency
// logs (golang.org/x/mod/sumdb/note and tlog, those behind Go's checksum database), and none of ours. It needs no
// download: Debian's golang-golang-x-mod-dev has them.
//
//	tlogverify -key VERIFIER-KEY -log DIRECTORY
//	tlogverify -key VERIFIER-KEY -receipt FILE.tlog-proof...
//	tlogverify -key VERIFIER-KEY -cosigner VERIFIER-KEY -checkpoint FILE
//
// -checkpoint also verifies a cosignature as c2sp.org/tlog-cosignature has it, which sumdb doesn't know, with Go's
// crypto/ed25519.
// -log opens the checkpoint, authenticates the tiles against its root, takes a proof of every leaf and of every smaller
// size from them, and checks the entries' leaves by these. It prints one line that starts with "accepted" for each thing that
// it verified. Exit status: 0 all accepted; 1 something was rejected; 2 wrong usage.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// checkpoint is what sumdb calls a tree note, under another first line.
type checkpoint struct {
	origin string
	tree   tlog.Tree
}

func openCheckpoint(key note.Verifier, signed []byte) (checkpoint, error) {
	opened, err := note.Open(signed, note.VerifierList(key))
	if err != nil {
		return checkpoint{}, err
	}
	origin, rest, found := cut(opened.Text, "\n")
	if !found || origin != key.Name() {
		return checkpoint{}, fmt.Errorf("the origin %q is not the key's name", origin)
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	return checkpoint{origin, tree}, err
}

// cut is strings.Cut, which older Go versions don't have.
func cut(text, separator string) (before, after string, found bool) {
	if i := strings.Index(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// directory reads tiles as C2SP names them: as sumdb does, without the height.
type directory struct {
	root string
	read map[string]bool
}

func (d directory) Height() int { return tileHeight }

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, 0, len(tiles))
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
		data, err := readTile(d.root, path)
		if err != nil {
			return nil, err
		}
		if len(data) > tile.W*tlog.HashSize {
			data = data[:tile.W*tlog.HashSize]
		}
		d.read[path] = true
		out = append(out, data)
	}
	return out, nil
}

func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}

// readTile takes the full tile where a partial one is gone.
func readTile(root, path string) ([]byte, error) {
	data, err := ioutil.ReadFile(filepath.Join(root, path))
	if full, _, partial := cut(path, ".p/"); os.IsNotExist(err) && partial {
		return ioutil.ReadFile(filepath.Join(root, full))
	}
	return data, err
}

// readEntries returns the leaves of bundle `number`: (be16 length || leaf)*.
func readEntries(root string, number, width int64) ([][]byte, error) {
	tile := tlog.Tile{H: tileHeight, L: 0, N: number, W: int(width)}
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/0/", tileHeight), "tile/entries/", 1)
	data, err := readTile(root, path)
	if err != nil {
		return nil, err
	}
	var leaves [][]byte
	for len(data) > 0 && int64(len(leaves)) < width {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s: cut off", path)
		}
		size := 2 + int(binary.BigEndian.Uint16(data))
		leaves = append(leaves, data[2:size])
		data = data[size:]
	}
	if int64(len(leaves)) != width {
		return nil, fmt.Errorf("%s: %d leaves; %d are needed", path, len(leaves), width)
	}
	return leaves, nil
}

func verifyLog(key note.Verifier, root string) error {
	signed, err := ioutil.ReadFile(filepath.Join(root, "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := openCheckpoint(key, signed)
	if err != nil {
		return err
	}
	tiles := directory{root, map[string]bool{}}
	size := opened.tree.N
	for first := int64(0); first < size; first += tileWidth {
		width := size - first
		if width > tileWidth {
			width = tileWidth
		}
		leaves, err := readEntries(root, first/tileWidth, width)
		if err != nil {
			return err
		}
		for i, leaf := range leaves {
			if err := verifyLeaf(opened.tree, tiles, first+int64(i), leaf); err != nil {
				return fmt.Errorf("leaf %d: %w", first+int64(i), err)
			}
		}
	}
	fmt.Printf("accepted log of %s, size %d, %d tiles\n", opened.origin, size, len(tiles.read))
	return nil
}

// verifyLeaf checks the leaf by a proof from the tiles, and the tree that ends with it as a prefix of the whole.
func verifyLeaf(tree tlog.Tree, tiles directory, index int64, leaf []byte) error {
	// Authenticates each tile that it reads against the tree's hash.
	reader := tlog.TileHashReader(tree, tiles)
	proof, err := tlog.ProveRecord(tree.N, index, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	older, err := tlog.TreeHash(index+1, reader)
	if err != nil {
		return err
	}
	prefix, err := tlog.ProveTree(tree.N, index+1, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(prefix, tree.N, tree.Hash, index+1, older)
}

func verifyReceipt(key note.Verifier, path string) error {
	text, err := ioutil.ReadFile(path)
	if err != nil {
		return err
	}
	leaf, err := ioutil.ReadFile(strings.TrimSuffix(path, ".tlog-proof") + ".leaf")
	if err != nil {
		return err
	}
	head, signed, found := cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof")
	}
	var index int64
	if _, err := fmt.Sscanf(lines[1], "index %d", &index); err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	opened, err := openCheckpoint(key, []byte(signed))
	if err != nil {
		return err
	}
	if index < 0 || index >= opened.tree.N {
		return fmt.Errorf("no leaf %d in a tree of size %d", index, opened.tree.N)
	}
	err = tlog.CheckRecord(proof, opened.tree.N, opened.tree.Hash, index, tlog.RecordHash(leaf))
	if err == nil {
		fmt.Printf("accepted leaf %d of %s, size %d\n", index, opened.origin, opened.tree.N)
	}
	return err
}

const (
	algorithmCosignature = 4
	keyIDBytes           = 4
	timeBytes            = 8
)

type cosigner struct {
	name string
	id   []byte
	key  ed25519.PublicKey
}

// parseCosigner reads NAME+ID+BASE64(algorithm || key).
func parseCosigner(text string) (cosigner, error) {
	parts := strings.SplitN(strings.TrimSpace(text), "+", 3)
	if len(parts) != 3 {
		return cosigner{}, errors.New("the cosigner's key is not NAME+ID+KEY")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != algorithmCosignature {
		return cosigner{}, fmt.Errorf("not the key of a cosigner: %v", err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "\n" + string(key)))
	if fmt.Sprintf("%x", digest[:keyIDBytes]) != parts[1] {
		return cosigner{}, errors.New("the id is not that of the cosigner's name and key")
	}
	return cosigner{parts[0], digest[:keyIDBytes], ed25519.PublicKey(key[1:])}, nil
}

// verifyCosignature finds the cosigner's line and checks it over the time that it gives and the note's text.
func verifyCosignature(witness cosigner, signed []byte) (uint64, error) {
	end := bytes.Index(signed, []byte("\n\n"))
	if end < 0 {
		return 0, errors.New("not a signed note")
	}
	text := signed[:end+1]
	for _, line := range strings.Split(string(signed[end+2:]), "\n") {
		fields := strings.Split(line, " ")
		if len(fields) != 3 || fields[0] != "—" || fields[1] != witness.name {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil || len(blob) != keyIDBytes+timeBytes+ed25519.SignatureSize ||
			!bytes.Equal(blob[:keyIDBytes], witness.id) {
			continue
		}
		at := binary.BigEndian.Uint64(blob[keyIDBytes:])
		message := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", at)), text...)
		if !ed25519.Verify(witness.key, message, blob[keyIDBytes+timeBytes:]) {
			return 0, errors.New("the cosignature is not over this note")
		}
		return at, nil
	}
	return 0, errors.New("no cosignature by " + witness.name)
}

func verifyCheckpoint(key note.Verifier, witness cosigner, path string) error {
	signed, err := ioutil.ReadFile(path)
	if err != nil {
		return err
	}
	opened, err := openCheckpoint(key, signed)
	if err != nil {
		return err
	}
	at, err := verifyCosignature(witness, signed)
	if err == nil {
		fmt.Printf("accepted checkpoint of %s, size %d, cosigned by %s at %d\n",
			opened.origin, opened.tree.N, witness.name, at)
	}
	return err
}

func main() {
	keyText := flag.String("key", "", "the log's verifier key; its name is the origin")
	logDirectory := flag.String("log", "", "directory with checkpoint and tile/")
	receipts := flag.Bool("receipt", false, "the arguments are NAME.tlog-proof files, with NAME.leaf beside them")
	cosignerText := flag.String("cosigner", "", "the verifier key of who cosigned the checkpoint")
	checkpointFile := flag.String("checkpoint", "", "a checkpoint that must be cosigned")
	flag.Parse()
	key, err := note.NewVerifier(strings.TrimSpace(*keyText))
	asked := 0
	for _, one := range []bool{*logDirectory != "", *receipts, *checkpointFile != ""} {
		if one {
			asked++
		}
	}
	var witness cosigner
	if err == nil && *checkpointFile != "" {
		witness, err = parseCosigner(*cosignerText)
	}
	if err != nil || asked != 1 || *receipts == (flag.NArg() == 0) {
		fmt.Fprintln(os.Stderr,
			"tlogverify: give -key, and one of -log, -receipt with files, -checkpoint with -cosigner:", err)
		os.Exit(2)
	}
	status := 0
	reject := func(what string, err error) {
		if err != nil {
			fmt.Println("rejected", what, err)
			status = 1
		}
	}
	if *logDirectory != "" {
		reject(*logDirectory, verifyLog(key, *logDirectory))
	}
	if *checkpointFile != "" {
		reject(*checkpointFile, verifyCheckpoint(key, witness, *checkpointFile))
	}
	for _, path := range flag.Args() {
		reject(path, verifyReceipt(key, path))
	}
	os.Exit(status)
}
