package notification

import (
	"strconv"
	"strings"
)

// maxWholeNumber is up to how many digits a number is written out. No id is longer.
const maxWholeNumber = 40

// WholeNumber writes a whole number in digits alone, however it was written in JSON: 7.0, 7e0 and 0.7E+1 are 7. So an id is
// the same, however its sender's library writes numbers. What is no whole number, or has more than 40 digits, is returned
// as it is.
func WholeNumber(number string) string {
	if isPlain(number) {
		return number
	}
	unsigned, negative := strings.CutPrefix(number, "-")
	mantissa, power, hasPower := strings.Cut(strings.ToLower(unsigned), "e")
	exponent := 0
	if hasPower {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil || exponent < -MaxExponent || exponent > MaxExponent {
			return number
		}
	}
	before, behind, _ := strings.Cut(mantissa, ".")
	digits, point := before+behind, len(before)+exponent
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return number
	}
	if strings.Trim(digits, "0") == "" {
		return "0"
	}
	if point <= 0 {
		return number
	}
	if missing := point - len(digits); missing > 0 && point <= MaxExponent+MaxNumberLength {
		digits += strings.Repeat("0", missing)
	}
	whole := strings.TrimLeft(digits[:point], "0")
	if strings.Trim(digits[point:], "0") != "" || len(whole) > maxWholeNumber {
		return number
	}
	if negative {
		return "-" + whole
	}
	return whole
}

// isPlain reports whether a number is digits alone, without a zero before them. Nearly all are.
func isPlain(number string) bool {
	if number == "" || len(number) > 1 && number[0] == '0' {
		return false
	}
	for i := range len(number) {
		if !isDigit(number[i]) {
			return false
		}
	}
	return true
}
