package schema_test

import (
	"fmt"

	"github.com/shopspring/decimal"

	"skand/schema"
)

func Example() {
	doc, err := schema.Parse([]byte(`{"app_id": 525463029, "currency": "USD", "windows": [{"index": 0, "fine": [
		{"value": 0, "events": []},
		{"value": 1, "events": [{"name": "purchase", "revenue_min": "0.01", "revenue_max": "5"}]},
		{"value": 2, "events": [{"name": "purchase", "revenue_min": "5", "revenue_max": "20"}]}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	spent := []schema.Event{{Name: "purchase", Revenue: decimal.RequireFromString("7.99")}}
	set, err := doc.Encode(0, spent)
	if err != nil {
		fmt.Println(err)
		return
	}
	got := doc.Decode(schema.Value{Fine: set.Fine, Digits: 4})
	fmt.Println(*set.Fine, got.State, got.RevenueMin, got.RevenueEst, got.RevenueMax)
	fmt.Println(doc.Decode(schema.Value{Digits: 4}).State, doc.Decode(schema.Value{Digits: 2}).State)
	// Output:
	// 2 decoded 5 12.5 20
	// unset null
}
