// Validate says of each case whether the schema takes it, by santhosh-tekuri/jsonschema, whose
// regular expressions are RE2's.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	log.SetFlags(0)
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var schemas []struct {
		Name   string
		Schema json.RawMessage
		Cases  []struct{ JSON string }
	}
	if err := json.Unmarshal(text, &schemas); err != nil {
		log.Fatal(err)
	}
	verdicts := make([][]bool, len(schemas))
	for i, entry := range schemas {
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(entry.Schema)))
		if err != nil {
			log.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource("schema.json", document); err != nil {
			log.Fatal(err)
		}
		schema, err := compiler.Compile("schema.json")
		if err != nil {
			log.Fatalf("%s: %v", entry.Name, err)
		}
		for _, one := range entry.Cases {
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(one.JSON))
			if err != nil {
				log.Fatal(err)
			}
			verdicts[i] = append(verdicts[i], schema.Validate(value) == nil)
		}
	}
	out, _ := json.Marshal(verdicts)
	fmt.Println(string(out))
}
