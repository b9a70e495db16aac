package main

import "testing"

// The smoke test of the scenarios that need no server.
func TestDeliveryScenarios(t *testing.T) {
	for _, name := range []string{"deliveries", "dead-endpoints"} {
		for _, sc := range scenarios {
			if sc.name != name {
				continue
			}
			for _, target := range []string{"bare", "chatbridge"} {
				s := settings{requests: 1000, messageBytes: 100, seconds: 0.5, dir: t.TempDir()}
				figures, err := sc.run(t.Context(), &server{name: target}, s)
				if err != nil || len(figures) == 0 || figures[0].value <= 0 {
					t.Errorf("%s, %s: %v, %v", name, target, figures, err)
				}
			}
		}
	}
}
