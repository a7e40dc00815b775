// The program check reads manifests as the types of the Kubernetes API, and refuses fields that these do not have. It
// is a module of its own, so that nobody else depends on that API.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// kinds are the types of what the manifests hold.
var kinds = map[string]func() any{
	"v1/Namespace":                           func() any { return &core.Namespace{} },
	"v1/Service":                             func() any { return &core.Service{} },
	"apps/v1/StatefulSet":                    func() any { return &apps.StatefulSet{} },
	"apps/v1/Deployment":                     func() any { return &apps.Deployment{} },
	"policy/v1/PodDisruptionBudget":          func() any { return &policy.PodDisruptionBudget{} },
	"networking.k8s.io/v1/Ingress":           func() any { return &networking.Ingress{} },
	"networking.k8s.io/v1/NetworkPolicy":     func() any { return &networking.NetworkPolicy{} },
	"autoscaling/v2/HorizontalPodAutoscaler": func() any { return &autoscaling.HorizontalPodAutoscaler{} },
	// What is no part of the API is only parsed.
	"cert-manager.io/v1/Certificate":                func() any { return &map[string]any{} },
	"cert-manager.io/v1/Issuer":                     func() any { return &map[string]any{} },
	"keda.sh/v1alpha1/ScaledObject":                 func() any { return &map[string]any{} },
	"kustomize.config.k8s.io/v1beta1/Kustomization": func() any { return &map[string]any{} },
}

func main() {
	var faults []error
	for _, file := range os.Args[1:] {
		faults = append(faults, check(file))
	}
	if err := errors.Join(faults...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var faults []error
	for i, document := range bytes.Split(text, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			faults = append(faults, fmt.Errorf("%s, document %d: %w", file, i+1, err))
			continue
		}
		name := head.APIVersion + "/" + head.Kind
		kind, known := kinds[name]
		if !known {
			faults = append(faults, fmt.Errorf("%s, document %d: kind %q is not known", file, i+1, name))
			continue
		}
		if err := yaml.UnmarshalStrict(document, kind()); err != nil {
			faults = append(faults, fmt.Errorf("%s, %s: %w", file, head.Kind, err))
		}
	}
	return errors.Join(faults...)
}
