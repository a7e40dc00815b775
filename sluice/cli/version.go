package cli

import "sluice.internal/shared/service"

type versionCommand struct{}

func (versionCommand) Help() string {
	return "Example:\n\n    sluice version"
}

// Run prints the version.
func (versionCommand) Run(s *session) error {
	return s.out.line("sluice %s", service.Version())
}
