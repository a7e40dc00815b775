package stream

// Pin is what the server knows the intake by while it has the shard.
func (in *Intake) Pin() string { return in.pin }
