package config

// NewNATS returns how to reach servers and log in there where another program says so, such as a `sluice up` in the
// description of its data folder. User and password may be empty. The error is about the address and does not repeat it.
func NewNATS(url, user, password string) (NATS, error) {
	parsed, err := ParseURL(url)
	if err != nil {
		return NATS{}, err
	}
	return NATS{URL: parsed, User: user, Password: NewSecret(password)}, nil
}
