// The command sluice: everything in one process, and what an operator asks of a running one.
package main

import "sluice.internal/sluice/program"

func main() { program.Main(nil) }
