package config

import (
	"time"
)

// Receiver is the configuration of the receive API.
type Receiver struct {
	// Address that bots ask; sluice up serves them at gateway.listen instead.
	Listen string `yaml:"listen" default:":8082" listen:"true"`
}

// The values of Bot.Forward: which other methods of the API are handed on to GREEN-API.
const (
	ForwardNone     = "none"
	ForwardGuarded  = "guarded"
	ForwardSettings = "settings"
	ForwardAll      = "all"
)

// Bot is a program that asks for events by the receive API, as it would ask GREEN-API. It has a position of its own.
type Bot struct {
	// Name is the key under bots.
	Name string `yaml:"-"`
	// Source whose events it gets.
	Source string `yaml:"source" default:"green-api"`
	// Instances whose events it gets; empty means all of the source.
	Instances []string `yaml:"instances"`
	// File with the tokens that it may show, one a line; empty means the apiTokenInstance of the instance that it asks for.
	TokenFile string `yaml:"token_file" file:"content"`
	// Tokens are what stands in TokenFile.
	Tokens []Secret `yaml:"-"`
	// Types of events that it gets; empty means all.
	Types []string `yaml:"types"`
	// Age from which on an event is passed over; at most streams.events.keep.
	Keep time.Duration `yaml:"keep" default:"24h" min:"1m"`
	// Which other methods are handed on to GREEN-API: guarded leaves out what takes the account or Sluice's webhook away,
	// settings hands setSettings on as it is, all hands on everything.
	Forward string `yaml:"forward" default:"guarded" enum:"none,guarded,settings,all"`
}
