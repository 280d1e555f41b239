// Command verify accepts or rejects what a ledger hands out, with the transparency ecosystem's own libraries and none
// of ours: a checkpoint (signed note), its cosignatures, and an inclusion proof of a leaf (tlog-proof).
//
//	verify -key VERIFIER-KEY -checkpoint FILE
//	verify -key VERIFIER-KEY -cosigner VERIFIER-KEY -proof FILE -leaf FILE
//	verify -signer FILE -key VERIFIER-KEY
//	verify -merkle FILE
//
// It prints one line that starts with "accepted" for each thing that it verified. Exit status: 0 all accepted; 1
// something was rejected; 2 wrong usage.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// options says what to verify; empty fields are left out.
type options struct {
	key        string
	cosigners  []string
	checkpoint string
	proof      string
	leaf       string
	signer     string
	merkle     string
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.key, "key", "", "the log's verifier key; its name is the origin")
	addCosigner := func(key string) error {
		o.cosigners = append(o.cosigners, key)
		return nil
	}
	flag.Func("cosigner", "a cosigner's verifier key; its cosignature is required (may be repeated)", addCosigner)
	flag.StringVar(&o.checkpoint, "checkpoint", "", "file with a checkpoint, as a signed note")
	flag.StringVar(&o.proof, "proof", "", "file with a tlog-proof; needs -leaf")
	flag.StringVar(&o.leaf, "leaf", "", "file with the leaf's bytes")
	flag.StringVar(&o.signer, "signer", "", "file with a private key text; it must belong to -key")
	flag.StringVar(&o.merkle, "merkle", "", "tests/golden/vectors/merkle.json")
	flag.Parse()
	return o
}

func (o options) check() error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if (o.proof == "") != (o.leaf == "") {
		return errors.New("-proof and -leaf go together")
	}
	needsKey := o.checkpoint != "" || o.proof != "" || o.signer != ""
	if needsKey && o.key == "" {
		return errors.New("-key is missing")
	}
	if !needsKey && o.merkle == "" {
		return errors.New("nothing to verify: give -checkpoint, -proof, -signer or -merkle")
	}
	return nil
}

func verify(o options) error {
	for _, step := range []struct {
		file string
		run  func(options) error
	}{
		{o.checkpoint, verifyCheckpointFile},
		{o.proof, verifyProofFile},
		{o.signer, verifySigner},
		{o.merkle, verifyMerkle},
	} {
		if step.file == "" {
			continue
		}
		if err := step.run(o); err != nil {
			return fmt.Errorf("%s: %w", step.file, err)
		}
	}
	return nil
}

func main() {
	o := parseOptions()
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(2)
	}
	o.key = strings.TrimSpace(o.key)
	if err := verify(o); err != nil {
		fmt.Println("rejected", err)
		os.Exit(1)
	}
}
