package audit

// outcome is what became of a notification.
type outcome int

const (
	// nowhere means that nothing accounts for it, or nothing so far.
	nowhere outcome = iota
	isEvent
	isDuplicate
	isDeadLetter
	isSentAgain
	isDropped
	isWaiting
	isTrimmed
	isErased
	isAgedOut
)

// add counts a notification with that outcome. What is nowhere has no count here: each balance has a name of its own
// for it.
func (o *Outcomes) add(found outcome) {
	switch found {
	case isEvent:
		o.Events++
	case isDuplicate:
		o.Duplicates++
	case isDeadLetter:
		o.DeadLetters++
	case isSentAgain:
		o.SentAgain++
	case isDropped:
		o.Dropped++
	case isWaiting:
		o.Waiting++
	case isTrimmed:
		o.Trimmed++
	case isErased:
		o.Erased++
	case isAgedOut:
		o.AgedOut++
	case nowhere:
	}
}
