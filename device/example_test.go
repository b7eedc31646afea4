package device_test

import (
	"context"
	"fmt"
	"log"

	"russet/device"
	"russet/device/afc"
	"russet/device/lockdown"
	"russet/device/usbmux"
)

// Look at the photos of the first device on the cable.
func Example() {
	ctx := context.Background()
	mux := &usbmux.Client{}
	phones, err := mux.Devices(ctx)
	if err != nil || len(phones) == 0 {
		log.Fatal("no phone", err)
	}
	data, err := phones[0].PairRecord(ctx)
	if err != nil {
		log.Fatal(err)
	}
	record, err := lockdown.ParsePairRecord(data)
	if err != nil {
		log.Fatal(err)
	}
	dev, err := device.Connect(ctx, phones[0], record, device.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer dev.Close()

	conn, err := dev.Dial(ctx, afc.Service, device.ServiceOptions{})
	if err != nil {
		log.Fatal(err)
	}
	files := afc.NewClient(conn)
	defer files.Close()
	names, err := files.ReadDir(ctx, "/DCIM/100APPLE")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(dev.Info().Name, "has", len(names), "photos and films")
}

// Pair with the first device on the cable and keep the record.
func ExamplePair() {
	ctx := context.Background()
	mux := &usbmux.Client{}
	phones, err := mux.Devices(ctx)
	if err != nil || len(phones) == 0 {
		log.Fatal("no phone", err)
	}
	buid, err := mux.ReadBUID(ctx)
	if err != nil {
		log.Fatal(err)
	}
	record, err := device.Pair(ctx, phones[0], lockdown.PairOptions{
		SystemBUID: buid,
		Waiting:    func() { fmt.Println("Tap Trust on the phone.") },
	}, device.Options{})
	if err != nil {
		log.Fatal(err)
	}
	data, err := record.Marshal()
	if err != nil {
		log.Fatal(err)
	}
	if err := mux.SavePairRecord(ctx, phones[0], data); err != nil {
		log.Fatal(err)
	}
}
