package config

import (
	"time"
)

// Handler is a handler that is no Go: a program that listens for events, or a command that is started for each.
type Handler struct {
	// Name is the key under handlers.
	Name string `yaml:"-"`
	// Type of the events; empty means the handler's name.
	Type string `yaml:"type"`
	// Kind of sender whose events of the type it handles.
	Provider string `yaml:"provider" default:"green-api"`
	// Address that each event is posted to. 2xx means handled; 4xx a dead letter, but for 408, 425 and 429; anything else
	// another try.
	URL string `yaml:"url" excludes:"exec"`
	// File with the secret that requests are signed with, by Standard Webhooks; empty means that they are not signed.
	SecretFile string `yaml:"secret_file" file:"content" needs:"url"`
	// Secret is what stands in SecretFile.
	Secret Secret `yaml:"-"`
	// Command and its arguments, which is started for each event, with the body on its standard input. Exit code 0 means
	// handled, 65 a dead letter, anything else another try.
	Exec []string `yaml:"exec"`
	// Memory that each process of the command may have; 0 means as much as it wants.
	Memory Size `yaml:"memory" default:"512MiB"`
	// How long one call may take; 0 means worker.handler_timeout.
	Timeout time.Duration `yaml:"timeout" default:"0" min:"0s"`
}
