//go:build e2e

package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// database is a PostgreSQL. It runs behind a program of the module that has a driver for it, which this one has not.
type database struct {
	t       *testing.T
	url     string
	in      io.WriteCloser
	answers *json.Decoder
}

var databaseOnce = sync.OnceValues(func() (string, error) {
	dir, err := programs()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "database")
	build := exec.Command("go", "build", "-o", path, "./worker/postgres/postgrestest/server")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the PostgreSQL for tests: %w\n%s", err, output)
	}
	return path, nil
})

// startDatabase runs a PostgreSQL until the test ends.
func startDatabase(t *testing.T) *database {
	t.Helper()
	path, err := databaseOnce()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path)
	said := &strings.Builder{}
	command.Stderr = said
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		late := time.AfterFunc(timeout, func() { _ = command.Process.Kill() })
		defer late.Stop()
		if err := command.Wait(); err != nil {
			t.Errorf("PostgreSQL: %v\n%s", err, said)
		}
	})
	lines := bufio.NewReader(out)
	url, err := lines.ReadString('\n')
	if err != nil {
		_ = in.Close()
		t.Fatal("PostgreSQL did not start: what follows says why")
	}
	return &database{t: t, url: strings.TrimSpace(url), in: in, answers: json.NewDecoder(lines)}
}

// ask has it do what a line says, and returns the rows of a query.
func (d *database) ask(line string) [][]any {
	d.t.Helper()
	var answer struct {
		Rows  [][]any
		Error string
	}
	if _, err := fmt.Fprintln(d.in, line); err != nil {
		d.t.Fatal(err)
	}
	if err := d.answers.Decode(&answer); err != nil || answer.Error != "" {
		d.t.Fatalf("%s: %v %s", line, err, answer.Error)
	}
	return answer.Rows
}
