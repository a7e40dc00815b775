package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/streamtest"
	"sluice.internal/sluice/local"
)

func withPassword(options *streamtest.Options) {
	options.Username, options.Password = "sluice", "nats-password"
}

// protected is a server that wants a password, with streams.
func protected(t *testing.T) (url string) {
	t.Helper()
	running := streamtest.Start(t, withPassword)
	conn, err := stream.Connect(streamtest.Login(t, running.URL(), "sluice", "nats-password"), t.Name(), discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if _, err := stream.Open(testContext(t), conn, streamtest.Configured(), discard()); err != nil {
		t.Fatal(err)
	}
	return running.URL()
}

func TestStreamsAreFoundWhereItIsSaid(t *testing.T) {
	t.Parallel()
	var (
		url      = protected(t)
		folder   = dataFolder(t, local.Description{NATSURL: url, NATSUser: "sluice", NATSPassword: "nats-password"})
		dead     = dataFolder(t, local.Description{NATSURL: "nats://" + deadAddress(t)})
		login    = []string{"SLUICE_NATS_USER=sluice", "SLUICE_NATS_PASSWORD=nats-password"}
		password = writeFile(t, "password", "nats-password\n")
		file     = writeFile(t, "sluice.yaml", "nats:\n  url: "+url+"\n  user: sluice\n  password_file: password\n")
	)
	if err := os.Rename(password, filepath.Join(filepath.Dir(file), "password")); err != nil {
		t.Fatal(err)
	}
	for name, typed := range map[string]typed{
		"flag":                    {args: []string{"--nats", url}, environ: login},
		"flag before variable":    {args: []string{"--nats", url}, environ: append([]string{"SLUICE_NATS_URL=nats://127.0.0.1:1"}, login...)},
		"variable":                {environ: append([]string{"SLUICE_NATS_URL=" + url}, login...)},
		"variable before folder":  {environ: append([]string{"SLUICE_NATS_URL=" + url, "SLUICE_DATA=" + dead}, login...)},
		"login in the variable":   {environ: []string{"SLUICE_NATS_URL=" + strings.Replace(url, "//", "//sluice:nats-password@", 1)}},
		"folder":                  {args: []string{"--data", folder}},
		"folder in a variable":    {environ: []string{"SLUICE_DATA=" + folder}},
		"folder before variables": {args: []string{"--data", folder}, environ: []string{"SLUICE_DATA=" + dead, "SLUICE_NATS_URL=nats://127.0.0.1:1"}},
		"file":                    {args: []string{"--config", file}},
		"file in a variable":      {environ: []string{"SLUICE_CONFIG=" + file, "SLUICE_DATA=" + dead}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typed.args = append([]string{"events"}, typed.args...)
			typed.run(t).want(t, result{stderr: "No events.\n"})
		})
	}
}

func TestWhatIsInTheWayOfTheStreamsIsNamed(t *testing.T) {
	t.Parallel()
	var (
		address   = deadAddress(t)
		dead      = dataFolder(t, local.Description{NATSURL: "nats://" + address})
		empty     = streamtest.Start(t).URL()
		login     = protected(t)
		nothingIn = t.TempDir()
	)
	for name, test := range map[string]struct {
		typed typed
		code  int
		says  string
	}{
		"no data folder": {
			typed{args: []string{"--data", nothingIn}},
			1,
			"sluice: no sluice has run with " + nothingIn + "; start one with `sluice up`, or say --nats URL\n",
		},
		"no data folder in the working directory": {
			typed{}, 1, "sluice: no sluice has run with ./data; start one with `sluice up`, or say --nats URL\n",
		},
		"the process of the folder has ended": {
			typed{args: []string{"--data", dead}}, 1, "sluice: is `sluice up` running with " + dead + "? connect to NATS at nats://" + address,
		},
		"no server": {
			typed{args: []string{"--nats", "nats://" + address}}, 1, "is it running, and is nats.url right?",
		},
		"no login": {
			typed{args: []string{"--nats", login}}, 1, "check user, password or credentials of nats",
		},
		"no streams": {
			typed{args: []string{"--nats", empty}}, 1, "sluice: " + stream.ErrNoStreams.Error() + "\n",
		},
		"a password in a flag": {
			typed{args: []string{"--nats", "nats://user:hunter2@" + address}}, 2, "--nats: a secret in a flag can be read by everybody",
		},
		"a fault of the configuration": {
			typed{environ: []string{"SLUICE_NATS_ULR=x"}}, 1, `SLUICE_NATS_ULR: unknown variable; did you mean SLUICE_NATS_URL?`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range []string{"events", "dead", "rejections", "status"} {
				typed := test.typed
				typed.args = append([]string{command}, typed.args...)
				got := typed.run(t)
				got.fails(t, test.code, test.says)
				if got.stdout != "" || strings.Contains(got.stderr, "hunter2") {
					t.Errorf("%s: got %+v", command, got)
				}
			}
		})
	}
}

// deadAddress is where nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func writeFile(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
