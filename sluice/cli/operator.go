package cli

import (
	"os"
	"os/user"
)

// operator is who types, as user@host, for the record of what was done. It is what the system says and proves nothing:
// whoever has the operator's key can claim to be anybody. It is for finding the colleague to ask.
func operator() string {
	name, host := "unknown", "unknown"
	if current, err := user.Current(); err == nil {
		name = current.Username
	}
	if named, err := os.Hostname(); err == nil {
		host = named
	}
	return name + "@" + host
}
