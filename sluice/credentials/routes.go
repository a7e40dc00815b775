package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// routesFile has the secret of a cluster's nodes. It lies beside the public keys, where only NATS reads.
	routesFile = "routes.conf"
	// routeUser is the name that goes with the secret. It tells nobody anything.
	routeUser = "node"
	routePort = "6222"
)

// Routes is the file with the secret that the nodes of a cluster show each other. Who knows it becomes a node, and a
// node may read, forge and delete everything, whatever the roles may do.
func (f Folder) Routes() string { return filepath.Join(f.Dir, keysFolder, routesFile) }

// makeRoutes writes the secret and the nodes' addresses as a part of the configuration of NATS. The secret stays what it
// was, the addresses become those of f.Nodes.
func (f Folder) makeRoutes() (isNew bool, err error) {
	password, err := f.routePassword()
	if err != nil {
		return false, err
	}
	isNew = password == ""
	if isNew {
		password = newToken()
	}
	var routes []string
	for _, node := range f.Nodes {
		if _, _, err := net.SplitHostPort(node); err != nil {
			node = net.JoinHostPort(node, routePort)
		}
		routes = append(routes, fmt.Sprintf("%q", "nats://"+routeUser+":"+password+"@"+node))
	}
	text := fmt.Sprintf("# Who shows this becomes a node of the cluster. The block `cluster` includes this file.\n"+
		"authorization { user: %q, password: %q, timeout: 5 }\n"+
		"# Each node names all, itself included.\nroutes: [%s]\n", routeUser, password, strings.Join(routes, ", "))
	if present, err := os.ReadFile(f.Routes()); err == nil && string(present) == text {
		return false, nil
	}
	return isNew, f.replace(f.Routes(), text, secretMode)
}

// routePassword returns the secret that is there, an empty one when there is none.
func (f Folder) routePassword() (string, error) {
	text, err := os.ReadFile(f.Routes())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read secret of the nodes: %w", err)
	}
	found := regexp.MustCompile(`password: "([^"]+)"`).FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("read secret of the nodes in %q: there is no password; remove the file to have a new one made", f.Routes())
	}
	return string(found[1]), nil
}
