package config

import (
	"cmp"
	"slices"
	"time"
)

// bots reads and checks the bots, in the order of their names.
func (l *loader) bots(sources map[string]Source, events time.Duration) map[string]Bot {
	names := l.NamesIn("bots")
	if len(names) == 0 {
		return nil
	}
	bots := map[string]Bot{}
	owners := map[string]string{}
	for _, name := range names {
		key := "bots." + name
		bot := Bot{Name: name}
		l.FillNamed(&bot, "bots."+anyBot, key)
		bot.Tokens = l.accountTokens(key+".token_file", bot.TokenFile)
		if bot.Keep > events && events > 0 {
			l.Fault(cmp.Or(l.At(key+".keep"), l.NamedAt[key]), key+".keep", "is %s, more than streams.events.keep, %s (%s)",
				bot.Keep, events, l.Placed("streams.events.keep"))
		}
		l.checkBot(bot, key, sources, owners)
		bots[name] = bot
	}
	return bots
}

// checkBot checks a bot against what it asks for. Owners are the bots that show the token of an instance itself, by source
// and instance.
func (l *loader) checkBot(bot Bot, key string, sources map[string]Source, owners map[string]string) {
	source, found := sources[bot.Source]
	if !found && l.Providers != nil {
		l.Fault(cmp.Or(l.At(key+".source"), l.NamedAt[key]), key+".source", "there is no source %q", bot.Source)
		return
	}
	for i, instance := range bot.Instances {
		if !instanceName.MatchString(instance) {
			l.Fault(l.Items(key + ".instances")[i].Place, key+".instances", "%q is no instance; write its number", instance)
		}
	}
	if bot.TokenFile != "" {
		return
	}
	asked := bot.Instances
	if len(asked) == 0 {
		for id := range source.Instances {
			asked = append(asked, id)
		}
		slices.Sort(asked)
	}
	for _, id := range asked {
		if source.Instances[id].TokenFile == "" && l.Providers != nil {
			l.Fault(l.NamedAt[key], key, "has no token_file, and so shows the token of instance %s, of which %s.token_file is not set",
				id, sourceKey(bot.Source, "instances."+id))
		}
		place := bot.Source + "/" + id
		if owner := owners[place]; owner != "" {
			l.Fault(l.NamedAt[key], key, "shows the token of instance %s, as bots.%s does: give one of them a token_file", id, owner)
		}
		owners[place] = bot.Name
	}
	if len(asked) == 0 {
		l.Fault(l.NamedAt[key], key, "has no token_file, and source %s has no instances with tokens", bot.Source)
	}
}
