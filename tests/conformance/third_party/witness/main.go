// witness runs transparency-dev's witness for the logs of one file, in memory; their own program always also follows
// the public logs that it is built with.
//
//	witness LISTEN KEY-FILE LOGS.yaml
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/omniwitness"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"golang.org/x/mod/sumdb/note"
)

func read(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: witness LISTEN KEY-FILE LOGS.yaml")
	}
	signer, err := f_note.NewSignerForCosignatureV1(string(read(os.Args[2])))
	if err != nil {
		log.Fatal(err)
	}
	logs, err := omniwitness.NewStaticLogConfig(read(os.Args[3]))
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	config := omniwitness.OperatorConfig{
		WitnessKeys:     []note.Signer{signer},
		WitnessVerifier: signer.Verifier(),
		Logs:            logs,
	}
	client := &http.Client{Timeout: 10 * time.Second}
	log.Fatal(omniwitness.Main(context.Background(), config, inmemory.New(), listener, client))
}
