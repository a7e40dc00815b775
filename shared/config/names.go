package config

import "sluice.internal/shared/config/internal/layers"

// anySource, anyInstance, anyBot and anyHandler stand for a name in a key.
const (
	anySource   = "<source>"
	anyInstance = "<instance>"
	anyBot      = "<bot>"
	anyHandler  = "<handler>"
)

// nameForms are the forms of names in sections that have them, by the sections' own names.
func nameForms() map[string]layers.NameForm {
	return map[string]layers.NameForm{
		"sources": {Any: anySource, Pattern: sourceName, Fault: "is no name for a source; use a-z, 0-9 and -, at most 32 of them", Outside: true},
		"bots":    {Any: anyBot, Pattern: botName, Fault: "is no name for a bot; use a-z, 0-9, - and _, at most 32 of them"},
		"handlers": {
			Any: anyHandler, Pattern: handlerName,
			Fault: "is no name for a handler; use letters, digits, - and _, at most 64 of them, and say its type with type",
		},
		"instances": {Any: anyInstance, Pattern: instanceName, Fault: "is no instance; write its number, in quotes"},
	}
}
