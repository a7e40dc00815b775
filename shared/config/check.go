package config

import (
	"cmp"
	"net"
	"os"
	"strconv"
	"strings"
)

// checkNATS holds together what belongs together, and reads the password's file.
func (l *loader) checkNATS(nats *NATS) {
	l.checkFiles()
	l.checkOneOf("nats.user", "nats.credentials_file", "nats.nkey_file")
	l.checkOneOf("nats.password", "nats.password_file")
	l.checkNeeds("nats.password", "nats.user")
	l.checkNeeds("nats.password_file", "nats.user")
	l.checkNeeds("nats.tls.cert_file", "nats.tls.key_file")
	l.checkNeeds("nats.tls.key_file", "nats.tls.cert_file")
	if nats.PasswordFile == "" {
		return
	}
	text, err := os.ReadFile(nats.PasswordFile)
	nats.Password = NewSecret(strings.TrimSpace(string(text)))
	if err == nil && nats.Password == (Secret{}) {
		l.fault(l.at("nats.password_file"), "nats.password_file", "%q is empty", nats.PasswordFile)
	}
}

// checkFiles opens every file that is named outside of sources, whose files are read anyway.
func (l *loader) checkFiles() {
	for _, k := range l.table.leaves() {
		s, ok := l.lookup(k, k.key)
		if !ok || !k.isPath() || s.Text == "" {
			continue
		}
		file, err := os.Open(s.path())
		if err != nil {
			l.fault(s.Place, k.key, "%q: %s", s.path(), unreadable(err))
			continue
		}
		if info, err := file.Stat(); err == nil && k.tag("file") == "folder" && !info.IsDir() {
			l.fault(s.Place, k.key, "%q: is a file, must be a folder", s.path())
		}
		_ = file.Close()
	}
}

// checkServer holds together what the gateway needs to speak TLS.
func (l *loader) checkServer() {
	l.checkNeeds("gateway.tls.cert_file", "gateway.tls.key_file")
	l.checkNeeds("gateway.tls.key_file", "gateway.tls.cert_file")
}

// isSet tells whether the key has a value that is not empty. It is for keys without a default.
func (l *loader) isSet(key string) bool {
	s, _ := l.merged.Get(key).(setting)
	return s.Text != ""
}

func (l *loader) checkOneOf(keys ...string) {
	first := ""
	for _, key := range keys {
		switch {
		case !l.isSet(key):
		case first == "":
			first = key
		default:
			l.fault(l.at(key), key, "can't be set together with %s (%s)", first, l.placed(first))
		}
	}
}

func (l *loader) checkNeeds(key, other string) {
	if l.isSet(key) && !l.isSet(other) {
		l.fault(l.at(key), key, "needs %s", other)
	}
}

func (l *loader) checkListen(key, address string, optional bool) {
	if address == "" && optional {
		return
	}
	_, port, err := net.SplitHostPort(address)
	if _, number := strconv.ParseUint(port, 10, 16); err != nil || number != nil {
		l.fault(l.at(key), key, "%q is not an address to listen on; write for example :8080 or 127.0.0.1:8080", address)
	}
}

// checkWindow holds that an event is there as long as a repetition of it must be known.
func (l *loader) checkWindow(events Events) {
	const keep, window = "streams.events.keep", "streams.events.duplicate_window"
	if events.Keep == 0 || events.DuplicateWindow == 0 || events.Keep >= events.DuplicateWindow {
		return // or at fault already
	}
	l.fault(cmp.Or(l.at(keep), l.at(window)), "streams.events", "keep is %s (%s), less than duplicate_window, %s (%s)",
		events.Keep, l.placed(keep), events.DuplicateWindow, l.placed(window))
}
