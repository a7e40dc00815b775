package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

func TestKeysThatBelongTogetherAreCheckedTogether(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ yaml, want string }{
		"a password without a user": {
			"nats: {password: x}\n", "sluice.yaml:2: nats.password: needs nats.user",
		},
		"a file with a password without a user": {
			"nats: {password_file: full}\n", "sluice.yaml:2: nats.password_file: needs nats.user",
		},
		"a password in two places": {
			"nats: {user: me, password: x, password_file: full}\n",
			"sluice.yaml:2: nats.password_file: can't be set together with nats.password (sluice.yaml:2)",
		},
		"three ways to log in": {
			"nats: {user: me, credentials_file: full, nkey_file: full}\n",
			"sluice.yaml:2: nats.credentials_file: can't be set together with nats.user (sluice.yaml:2)\n" +
				"sluice.yaml:2: nats.nkey_file: can't be set together with nats.user (sluice.yaml:2)",
		},
		"two files to log in with": {
			"nats: {credentials_file: full, nkey_file: full}\n",
			"sluice.yaml:2: nats.nkey_file: can't be set together with nats.credentials_file (sluice.yaml:2)",
		},
		"a password's file with nothing in it": {
			"nats: {user: me, password_file: empty}\n", `sluice.yaml:2: nats.password_file: "empty" is empty`,
		},
		"a password's file that is a folder": {
			"nats: {user: me, password_file: .}\n", `sluice.yaml:2: nats.password_file: "": is a directory`,
		},
		"a key without its certificate": {
			"nats: {tls: {key_file: full}}\n", "sluice.yaml:2: nats.tls.key_file: needs nats.tls.cert_file",
		},
		"a header with certificates that nobody vouches for": {
			"gateway: {client_cert_header: X-Cert}\n", "sluice.yaml:2: gateway.client_cert_header: needs gateway.tls.client_ca_file",
		},
		"a worker with nothing to do": {
			"worker:\n  intake: false\n  handlers: false\n",
			"sluice.yaml:4: worker: with worker.intake (sluice.yaml:3) and worker.handlers (sluice.yaml:4) both false it has nothing to do; set one to true",
		},
		"a worker of which it is not known whether it has anything to do": {
			"worker: {intake: perhaps, handlers: false}\n", `sluice.yaml:2: worker.intake: "perhaps" is neither true nor false`,
		},
		"a gateway that listens nowhere": {
			"gateway: {listen: ''}\n", `sluice.yaml:2: gateway.listen: "" is not an address to listen on; write for example :8080 or 127.0.0.1:8080`,
		},
		"an address without a port": {
			"admin: {listen: localhost}\n", `sluice.yaml:2: admin.listen: "localhost" is not an address to listen on; write for example :8080 or 127.0.0.1:8080`,
		},
		"alerts that go before their window ends": {
			"streams: {alerts: {keep: 1m}}\n", "sluice.yaml:2: streams.alerts: keep is 1m0s (sluice.yaml:2), less than group_window, 15m0s (the default)",
		},
		"events that go before their window ends": {
			"streams: {events: {keep: 1h}}\n", "sluice.yaml:2: streams.events: keep is 1h0m0s (sluice.yaml:2), less than duplicate_window, 48h0m0s (the default)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{"full": "x", "empty": " \n", "sluice.yaml": with + test.yaml})
			_, err := config.Load(config.Options{File: filepath.Join(dir, "sluice.yaml"), Providers: providers()})
			if err == nil {
				t.Fatal("no fault")
			}
			if got := strings.ReplaceAll(strings.ReplaceAll(err.Error(), dir+"/", ""), dir, ""); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestCertificatesNeedAnAuthorityWhereRequestsAreTakenIn(t *testing.T) {
	t.Parallel()
	const yaml = "sources: {green-api: {auth: certificate, certificates: [client]}}\n"
	_, got := load(t, yaml, config.Options{})
	if want := "sluice.yaml:1: sources.green-api.auth: needs gateway.tls.client_ca_file: without it no client's certificate is believed"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if cfg := mustLoad(t, yaml, config.Options{WithoutTokens: true}); cfg.Sources["green-api"].Auth != config.AuthCertificate {
		t.Errorf("a worker got %+v", cfg.Sources)
	}
}
