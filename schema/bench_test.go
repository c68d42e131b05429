package schema

import "testing"

func BenchmarkDecode(b *testing.B) {
	d := puzzle(b)
	v := 14
	for b.Loop() {
		d.Decode(Value{Fine: &v, Digits: 4})
	}
}

func BenchmarkEncode(b *testing.B) {
	d := puzzle(b)
	events := []Event{at(0, FirstLaunch, "0"), at(1, "registration", "0"), at(2, "tutorial", "0"), at(3, "purchase", "4.99"), at(9, "purchase", "19.99")}
	for b.Loop() {
		_, err := d.Encode(0, events)
		if err != nil {
			b.Fatal(err)
		}
	}
}
