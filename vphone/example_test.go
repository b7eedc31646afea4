package vphone_test

import (
	"context"
	"fmt"

	"russet/vphone"
)

// A phone without a socket: DialPort is its cable.
func Example() {
	phone, err := vphone.New(vphone.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer phone.Close()
	conn, err := phone.DialPort(context.Background(), 62078)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Println(phone.UDID(), phone.Identity().ProductType)
	// Output: 00008140-000650DDEC43D17F iPhone17,1
}
