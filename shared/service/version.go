package service

import "runtime/debug"

// built is the version that is given to a build without the repository of the sources, with
// -ldflags "-X sluice.internal/shared/service.built=VERSION".
var built string //nolint:gochecknoglobals // The linker can set nothing else.

// Version returns the version that the program was built as: what was given to the build, else the module's, else the
// revision of the sources, else "devel".
func Version() string {
	if built != "" {
		return built
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if version := info.Main.Version; version != "" && version != "(devel)" {
		return version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return setting.Value[:12]
		}
	}
	return "devel"
}
