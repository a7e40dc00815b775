package service

import (
	"log/slog"
	"sync"
)

// Condition logs when something that should work stops working and when it works again, one line for each
// change however often Failed and Works are called. It is safe for concurrent use.
type Condition struct {
	log    *slog.Logger
	name   string
	mutex  sync.Mutex
	broken bool
}

// NewCondition makes a condition of something that works. Name is its subject in the log lines, such as "store".
func NewCondition(name string, log *slog.Logger) *Condition {
	return &Condition{name: name, log: log}
}

// Failed records that it does not work and logs the error if it worked before.
func (c *Condition) Failed(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.broken {
		c.broken = true
		c.log.Error(c.name+" is in trouble, trying again", "error", err)
	}
}

// Works records that it works and logs that if it did not before.
func (c *Condition) Works() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.broken {
		c.broken = false
		c.log.Info(c.name + " works again")
	}
}
