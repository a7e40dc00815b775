package layers

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sluice.internal/shared/config/internal/value"
)

// set reads the text as a value of the key's type and checks it as the key's tags say. Its error repeats no secret.
func (k *Row) set(v reflect.Value, text string) error {
	if choices := k.choices(); choices != nil {
		i := slices.IndexFunc(choices, func(choice string) bool { return strings.EqualFold(choice, text) })
		if i < 0 {
			return fmt.Errorf("%q is not one of %s", text, strings.Join(choices, ", "))
		}
		text = choices[i]
	}
	if pattern := k.Tag("pattern"); pattern != "" && !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("%q does not match %s", text, pattern)
	}
	if err := value.Parse(v.Addr().Interface(), text); err != nil {
		if k.Item() == reflect.TypeFor[value.URL]() {
			return err
		}
		return fmt.Errorf("%q %w", text, err)
	}
	if err := k.checkListen(text); err != nil {
		return fmt.Errorf("%q %w", text, err)
	}
	return k.checkBounds(v, text)
}

func (k *Row) checkBounds(v reflect.Value, text string) error {
	if minimum := k.Tag("min"); minimum != "" && v.Int() < k.bound(minimum) {
		return fmt.Errorf("%s is less than the minimum, %s", text, minimum)
	}
	if maximum := k.Tag("max"); maximum != "" && v.Int() > k.bound(maximum) {
		return fmt.Errorf("%s is more than the maximum, %s", text, maximum)
	}
	return nil
}

// bound reads a bound, which is written as the key's values are.
func (k *Row) bound(text string) int64 {
	v := reflect.New(k.Item())
	if err := value.Parse(v.Interface(), text); err != nil {
		panic(fmt.Sprintf("bound of %s: %q %s", k.Key, text, err)) // every bound is read by a test
	}
	return v.Elem().Int()
}

// canBeEmpty reports whether an empty text is a value like any other.
func (k *Row) canBeEmpty() bool {
	switch k.Item() {
	case reflect.TypeFor[string](), reflect.TypeFor[value.Secret](), reflect.TypeFor[value.URL]():
		return !k.isList() && k.choices() == nil
	}
	return false
}

// isSecret reports whether the text must not stand where others can read it.
func (k *Row) isSecret(text string) bool {
	switch k.Item() {
	case reflect.TypeFor[value.Secret]():
		return true
	case reflect.TypeFor[value.URL]():
		return value.HasUser(text)
	}
	return false
}

// What the file tag says about what a path names.
const (
	fileContent = "content" // a file with a secret that Load reads
	fileSecret  = "secret"  // a file with a secret that somebody else reads
	fileFolder  = "folder"
)

// isPath reports whether the value names a file, or the values in a list do.
func (k *Row) isPath() bool {
	return k.Tag("file") != ""
}
