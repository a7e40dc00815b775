package wire

// AskWorkers is where workers are asked to tell their state at once.
const AskWorkers = "worker.ask"

// WorkerStates is where the workers of a group tell their state.
func WorkerStates(group string) string { return "worker.state." + group }

// AllWorkerStates are those of all groups.
const AllWorkerStates = "worker.state.>"
