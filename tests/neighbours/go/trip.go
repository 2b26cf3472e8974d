// Package neighbours reads what the contract describes as another team's program would.
package neighbours

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// Trip reads a text into a generated type, writes it, and fails if something was lost. Structs of
// Go pass over a field that they do not know.
func Trip[T any](name, text, known string) error {
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return fmt.Errorf("%s does not read %s: %w", name, text, err)
	}
	written, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !reflect.DeepEqual(plain([]byte(known)), plain(written)) {
		return fmt.Errorf("%s made of %s\n  %s", name, text, written)
	}
	return nil
}

// plain is a text as maps, lists and exact numbers.
func plain(text []byte) (value any) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		panic(err)
	}
	return value
}
