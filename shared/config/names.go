package config

// anySource, anyInstance, anyBot and anyHandler stand for a name in a key.
const (
	anySource   = "<source>"
	anyInstance = "<instance>"
	anyBot      = "<bot>"
	anyHandler  = "<handler>"
)

// nameForms are the forms of names in sections that have them, by the sections' own names.
func nameForms() map[string]nameForm {
	return map[string]nameForm{
		"sources": {any: anySource, pattern: sourceName, fault: "is no name for a source; use a-z, 0-9 and -, at most 32 of them", outside: true},
		"bots":    {any: anyBot, pattern: botName, fault: "is no name for a bot; use a-z, 0-9, - and _, at most 32 of them"},
		"handlers": {
			any: anyHandler, pattern: handlerName,
			fault: "is no name for a handler; use letters, digits, - and _, at most 64 of them, and say its type with type",
		},
		"instances": {any: anyInstance, pattern: instanceName, fault: "is no instance; write its number, in quotes"},
	}
}
