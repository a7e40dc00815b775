package config

import (
	"errors"
	"fmt"
	"time"

	"sluice.internal/shared/config/internal/layers"
)

// The values of Instance.Receive: how notifications of an instance come.
const (
	ReceiveWebhook = "webhook"
	ReceiveHTTPAPI = "http-api"
)

// Instance is an account at GREEN-API that Sluice asks for something: for notifications, for settings, or to send what a bot
// sends.
type Instance struct {
	// ID is the number of the instance, the key under instances.
	ID string `yaml:"-"`
	// How notifications come: webhook waits for GREEN-API's requests, http-api asks for them.
	Receive string `yaml:"receive" default:"webhook" enum:"webhook,http-api"`
	// Address of the instance's API, as GREEN-API's console shows it; with or without /v3 for MAX.
	APIURL string `yaml:"api_url" default:"https://api.green-api.com"`
	// Address for media; empty means that of the API with media in place of api.
	MediaURL string `yaml:"media_url"`
	// File with the instance's apiTokenInstance.
	TokenFile string `yaml:"token_file" file:"content"`
	// Token is what stands in TokenFile, empty where Options do not ask for it.
	Token Secret `yaml:"-"`
	// How long one request waits for a notification, with receive: http-api.
	Wait time.Duration `yaml:"wait" default:"20s" min:"5s" max:"60s"`
}

// ReadToken returns the instance's token, for processes that are only seldom in need of it: where Options did not ask for tokens
// it is read from its file now. The error names the file and has no part of it.
func (i Instance) ReadToken() (Secret, error) {
	switch {
	case i.Token.Reveal() != "":
		return i.Token, nil
	case i.TokenFile == "":
		return Secret{}, errors.New("has no token_file; nothing can be asked of GREEN-API without the apiTokenInstance")
	}
	texts, err := readTokens(i.TokenFile)
	switch {
	case err != nil:
		return Secret{}, fmt.Errorf("token_file: %q: %s", i.TokenFile, layers.Unreadable(err))
	case len(texts) > 1:
		return Secret{}, fmt.Errorf("token_file: %q has several lines; an instance has one token", i.TokenFile)
	}
	return NewSecret(texts[0]), nil
}
