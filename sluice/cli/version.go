package cli

import "sluice.internal/shared/service"

// versionCommand is `sluice version`, for reports of faults and for scripts that compare.
type versionCommand struct{}

func (versionCommand) Help() string {
	return "Example:\n\n    sluice version"
}

// Run prints the version.
func (versionCommand) Run(s *session) error {
	return s.out.Line("sluice %s", service.Version())
}
