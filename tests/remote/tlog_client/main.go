// A log read by the client that Go's checksum database has, golang.org/x/mod/sumdb: tlog.TileHashReader authenticates
// every tile against the checkpoint, note.Open verifies the signature.
//
//	go run main.go URL VERIFIER_KEY
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type tiles struct{ url string }

func fetch(url string) ([]byte, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		// C2SP's tlog-tiles have no height in their paths.
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		data, err := fetch(t.url + "/" + path)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	url := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	signed, err := fetch(url + "/checkpoint")
	if err != nil {
		log.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		log.Fatal(err)
	}
	lines := strings.Split(opened.Text, "\n")
	var size int64
	if _, err := fmt.Sscan(lines[1], &size); err != nil {
		log.Fatal(err)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		log.Fatal(err)
	}
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles{url})
	read := int64(0)
	for read < size {
		path := fmt.Sprintf("tile/entries/%03d", read/256)
		if size-read < 256 {
			path += fmt.Sprintf(".p/%d", size-read)
		}
		bundle, err := fetch(url + "/" + path)
		if err != nil {
			log.Fatal(err)
		}
		for len(bundle) >= 2 {
			length := int(binary.BigEndian.Uint16(bundle)) + 2
			if length > len(bundle) {
				log.Fatalf("%s is cut off", path)
			}
			hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, read)})
			if err != nil {
				log.Fatal(err)
			}
			if hashes[0] != tlog.RecordHash(bundle[2:length]) {
				log.Fatalf("leaf %d is not what the tree has", read)
			}
			proof, err := tlog.ProveRecord(size, read, reader)
			if err != nil {
				log.Fatal(err)
			}
			if err := tlog.CheckRecord(proof, size, root, read, hashes[0]); err != nil {
				log.Fatal(err)
			}
			bundle = bundle[length:]
			read++
		}
		if len(bundle) != 0 {
			log.Fatalf("%s is cut off", path)
		}
	}
	for _, older := range []int64{1, size/2 + 1, size} {
		hash, err := tlog.TreeHash(older, reader)
		if err != nil {
			log.Fatal(err)
		}
		proof, err := tlog.ProveTree(size, older, reader)
		if err != nil {
			log.Fatal(err)
		}
		if err := tlog.CheckTree(proof, size, root, older, hash); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("golang.org/x/mod/sumdb: %d leaves, each with its proof\n", read)
}
