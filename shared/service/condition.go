package service

import (
	"log/slog"
	"sync"
)

// Condition logs when something that should work stops working and when it works again, one line for each
// change however often it is told. It is safe for concurrent use.
type Condition struct {
	log    *slog.Logger
	name   string
	mutex  sync.Mutex
	broken bool
}

// NewCondition makes a condition that is well. Name is its subject in the log lines, such as "store".
func NewCondition(name string, log *slog.Logger) *Condition {
	return &Condition{name: name, log: log}
}

// Failed says that it does not work.
func (c *Condition) Failed(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.broken {
		c.broken = true
		c.log.Error(c.name+" is in trouble, trying again", "error", err)
	}
}

// Works says that it works.
func (c *Condition) Works() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.broken {
		c.broken = false
		c.log.Info(c.name + " works again")
	}
}
