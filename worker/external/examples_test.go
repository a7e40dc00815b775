//go:build e2e

package external_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sluice.internal/shared/config"
)

// The examples in other languages handle what Sluice has signed and nothing else. sluice/e2e/programs.sh installs the languages.
func TestExamplesInOtherLanguagesHandleWhatIsSigned(t *testing.T) {
	t.Parallel()
	for language, command := range map[string]func(port string) []string{
		"python3": func(string) []string { return []string{"python3", "../../examples/python/bot.py"} },
		"node":    func(string) []string { return []string{"node", "../../examples/node/bot.mjs"} },
		"php": func(port string) []string {
			return []string{"php", "-S", "127.0.0.1:" + port, "../../examples/php/bot.php"}
		},
	} {
		if _, err := exec.LookPath(language); err != nil {
			t.Errorf("the example in %s is not tried: %v", language, err)
			continue
		}
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
			address := startExample(t, secret, command)
			right := config.Handler{URL: "http://" + address + "/", Secret: config.NewSecret(secret)}
			if err := callWith(t.Context(), t, right, `{"senderData":{"chatId":"7900@c.us"}}`); err != nil {
				t.Errorf("the right signature: %v", err)
			}
			if err := callWith(t.Context(), t, right, `{"senderData":`); verdict(err) != "permanent" {
				t.Errorf("half a body: %v", err)
			}
			wrong := right
			wrong.Secret = config.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret of another one...")))
			if err := callWith(t.Context(), t, wrong, `{}`); verdict(err) != "permanent" {
				t.Errorf("a wrong signature: %v", err)
			}
			if err := callWith(t.Context(), t, config.Handler{URL: right.URL}, `{}`); verdict(err) != "permanent" {
				t.Errorf("no signature: %v", err)
			}
		})
	}
}

// startExample runs a program until the test ends, and returns where it listens.
func startExample(t *testing.T, secret string, command func(port string) []string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = listener.Close() // For the program, which is told a number.
	file := filepath.Join(t.TempDir(), "bot.secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	arguments := command(port)
	program := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	program.Env = append(os.Environ(), "SECRET_FILE="+file, "PORT="+port)
	output, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-read
		_ = program.Wait()
	})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			t.Log(lines.Text())
		}
	}()
	for t.Context().Err() == nil {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return address
}
