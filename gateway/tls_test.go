package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
)

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})}
}

// issue makes a certificate for server and client alike, and its key, both as PEM.
func (a *authority) issue(t *testing.T, name string) (certificate, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &own.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// byCertificate is a gateway whose source wants a certificate for hooks.bank.example.
func byCertificate(t *testing.T, trusted *authority) gateway.Settings {
	t.Helper()
	settings := of("generic", func(from *config.Source) {
		from.Auth, from.Token = config.AuthCertificate, config.Secret{}
		from.Certificates = []string{"hooks.bank.example"}
	})
	settings.TLS.ClientCAFile = write(t, trusted.pem)
	return settings
}

func TestClientCertificateProvesWhoSends(t *testing.T) {
	t.Parallel()
	trusted, foreign := newAuthority(t), newAuthority(t)
	settings := byCertificate(t, trusted)
	certificate, key := trusted.issue(t, "gateway.example")
	settings.TLS.CertFile, settings.TLS.KeyFile = write(t, certificate), write(t, key)
	running := start(t, settings, newMemory())
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted.pem)
	for name, test := range map[string]struct {
		by     *authority
		client string
		status int // 0 for a connection that does not come about
	}{
		"the named one":              {trusted, "hooks.bank.example", 200},
		"another one":                {trusted, "evil.example", 401},
		"none":                       {nil, "", 401},
		"one of a foreign authority": {foreign, "hooks.bank.example", 0},
	} {
		settings := &tls.Config{RootCAs: roots, ServerName: "gateway.example", MinVersion: tls.VersionTLS12}
		if test.by != nil {
			certificate, key := test.by.issue(t, test.client)
			pair, err := tls.X509KeyPair(certificate, key)
			if err != nil {
				t.Fatal(err)
			}
			settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings, DisableKeepAlives: true}}
		response, err := client.Post("https://"+running.Address()+"/generic/webhook", "application/json", strings.NewReader("{}"))
		if test.status == 0 {
			if err == nil {
				t.Errorf("%s: answered %d", name, response.StatusCode)
				_ = response.Body.Close()
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s: answered %d, want %d", name, response.StatusCode, test.status)
		}
	}
}

func TestForwardedCertificateIsBelievedOfTrustedProxiesAlone(t *testing.T) {
	t.Parallel()
	trusted, foreign := newAuthority(t), newAuthority(t)
	const name = "X-Client-Cert"
	forwarded := func(by *authority, client string) func(*http.Request) {
		certificate, _ := by.issue(t, client)
		return header(name, url.PathEscape(string(certificate)))
	}
	settings := byCertificate(t, trusted)
	settings.ClientCertHeader = name
	strange := start(t, settings, newMemory())
	strange.do(t, http.MethodPost, "/generic/webhook", nil, forwarded(trusted, "hooks.bank.example")).want(t, http.StatusUnauthorized)
	settings.TrustedProxies = parsed([]string{"127.0.0.0/8"})
	behind := start(t, settings, newMemory())
	for sentence, test := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"the named one":              {forwarded(trusted, "hooks.bank.example"), 200},
		"another one":                {forwarded(trusted, "evil.example"), 401},
		"one of a foreign authority": {forwarded(foreign, "hooks.bank.example"), 401},
		"none":                       {header(name), 401},
		"garbage":                    {header(name, "%zz"), 401},
		"no PEM":                     {header(name, "hooks.bank.example"), 401},
		"two":                        {header(name, "a", "b"), 401},
	} {
		if answer := behind.do(t, http.MethodPost, "/generic/webhook", nil, test.change); answer.StatusCode != test.status {
			t.Errorf("%s: answered %d, want %d", sentence, answer.StatusCode, test.status)
		}
	}
}

func TestCertificatesThatManyAddressesMayHandOnAreWarnedOf(t *testing.T) {
	t.Parallel()
	settings := byCertificate(t, newAuthority(t))
	settings.TrustedProxies = parsed([]string{"10.244.0.0/16", "192.0.2.16/28", "2001:db8::/64", "2001:db8::1/128"})
	quiet := start(t, settings, newMemory())
	settings.ClientCertHeader = "X-Client-Cert"
	warned := start(t, settings, newMemory())
	const warning = "a client's certificate is believed from many addresses"
	for _, running := range []*running{quiet, warned} {
		running.log.await(t, "source open") // It comes behind the warnings.
	}
	if lines := quiet.log.lines(t, slog.LevelWarn, warning); len(lines) > 0 {
		t.Errorf("without the header: %s", lines)
	}
	lines := warned.log.lines(t, slog.LevelWarn, warning)
	if len(lines) != 2 || !strings.Contains(lines[0], "10.244.0.0/16") || !strings.Contains(lines[1], "2001:db8::/64") {
		t.Errorf("warned with %s", lines)
	}
}

func TestFilesOfTLSThatCanNotBeUsedAreTold(t *testing.T) {
	t.Parallel()
	for says, files := range map[string]config.ServerTLS{
		"read the gateway's certificate": {CertFile: "nowhere", KeyFile: "nowhere"},
		"read authorities of clients":    {ClientCAFile: "nowhere"},
		"has no certificate in PEM":      {ClientCAFile: write(t, []byte("hello"))},
	} {
		settings := greenAPI()
		settings.TLS = files
		if _, err := gateway.New(settings, newMemory(), newLogbook().logger()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

func FuzzForwardedCertificate(f *testing.F) {
	f.Add("-----BEGIN%20CERTIFICATE-----%0AMA%3D%3D%0A-----END%20CERTIFICATE-----%0A")
	f.Add("%zz")
	f.Add("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----")
	f.Fuzz(func(t *testing.T, value string) {
		if certificate, err := gateway.ParseForwardedCertificate(value); (certificate == nil) == (err == nil) {
			t.Errorf("%q: %v, %v", value, certificate, err)
		}
	})
}

func TestCertificateIsReadWhenItsFilesChange(t *testing.T) {
	t.Parallel()
	trusted, files := newAuthority(t), newCertificateFiles(t)
	files.renew(trusted.issue(t, "old.example"))
	get, err := gateway.ServerCertificate(files.ServerTLS, newLogbook().logger())
	if err != nil {
		t.Fatal(err)
	}
	first, err := get()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := get(); again != first {
		t.Error("files that did not change are read again")
	}
	files.renew(trusted.issue(t, "new.example"))
	if second, err := get(); err != nil || second.Leaf.DNSNames[0] != "new.example" {
		t.Errorf("the renewed certificate is not shown: %v", err)
	}
}

func TestRenewalThatCanNotBeReadLeavesTheLastCertificate(t *testing.T) {
	t.Parallel()
	trusted, files, book := newAuthority(t), newCertificateFiles(t), newLogbook()
	files.renew(trusted.issue(t, "old.example"))
	get, err := gateway.ServerCertificate(files.ServerTLS, book.logger())
	if err != nil {
		t.Fatal(err)
	}
	files.renew([]byte("half of a"), []byte("file"))
	for range 2 {
		if kept, err := get(); err != nil || kept.Leaf.DNSNames[0] != "old.example" {
			t.Errorf("a renewal that can't be read takes the last certificate away: %v", err)
		}
	}
	if lines := book.lines(t, slog.LevelError, "certificate"); len(lines) != 1 {
		t.Errorf("the operator is told %d times", len(lines))
	}
	files.renew(trusted.issue(t, "new.example"))
	if repaired, err := get(); err != nil || repaired.Leaf.DNSNames[0] != "new.example" {
		t.Errorf("the repaired certificate is not shown: %v", err)
	}
}

// certificateFiles are a certificate and its key that are renewed now and then.
type certificateFiles struct {
	config.ServerTLS

	t       *testing.T
	changed time.Time
}

func newCertificateFiles(t *testing.T) *certificateFiles {
	t.Helper()
	folder := t.TempDir()
	return &certificateFiles{t: t, changed: time.Now(), ServerTLS: config.ServerTLS{
		CertFile: filepath.Join(folder, "cert.pem"), KeyFile: filepath.Join(folder, "key.pem"),
	}}
}

// renew writes both files, a second after the last time by their own account.
func (f *certificateFiles) renew(certificate, key []byte) {
	f.t.Helper()
	f.changed = f.changed.Add(time.Second)
	for file, content := range map[string][]byte{f.CertFile: certificate, f.KeyFile: key} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			f.t.Fatal(err)
		}
		if err := os.Chtimes(file, f.changed, f.changed); err != nil {
			f.t.Fatal(err)
		}
	}
}
