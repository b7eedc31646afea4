package vphone

import (
	"cmp"
	"fmt"
	"math/rand/v2"
)

// Identity is what a phone is: what it says of itself, and what never changes
// while it runs, but for the name.
type Identity struct {
	UDID             string // 25 characters with the dash, or 40 hex digits of older devices
	Name             string // as its owner calls it
	DeviceClass      string // "iPhone", "iPad"
	ProductType      string // "iPhone17,1"
	HardwareModel    string // "D93AP"
	ProductVersion   string // of iOS: "18.6"
	BuildVersion     string // "22G86"
	SerialNumber     string
	UniqueChipID     int64 // the ECID, also the second half of the UDID
	WiFiAddress      string
	BluetoothAddress string
	IMEI             string
	PhoneNumber      string
}

// NewIdentity makes up an iPhone 16 Pro; equal seeds give equal phones.
func NewIdentity(seed uint64) Identity {
	r := rand.New(rand.NewPCG(seed, 0x69_50_68_6f_6e_65))
	// 0x8140 is the chip of that model; the ECID has 53 bits on real ones.
	ecid := int64(r.Uint64() >> 11)
	mac := func() string {
		n := r.Uint64()
		return fmt.Sprintf("a4:%02x:%02x:%02x:%02x:%02x", byte(n), byte(n>>8), byte(n>>16), byte(n>>24), byte(n>>32))
	}
	return Identity{
		UDID:             fmt.Sprintf("00008140-%016X", ecid),
		Name:             "Virtual iPhone",
		DeviceClass:      "iPhone",
		ProductType:      "iPhone17,1",
		HardwareModel:    "D93AP",
		ProductVersion:   "18.6",
		BuildVersion:     BuildOf("18.6"),
		SerialNumber:     serial(r),
		UniqueChipID:     ecid,
		WiFiAddress:      mac(),
		BluetoothAddress: mac(),
		IMEI:             imei(r),
		PhoneNumber:      fmt.Sprintf("+1 (555) 01%d-%04d", r.IntN(10), r.IntN(10000)),
	}
}

// serial is ten characters without vowels, as serial numbers are since 2021.
func serial(r *rand.Rand) string {
	const alphabet = "0123456789CDFGHJKLMNPQRTVWXY"
	b := make([]byte, 10)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// imei is fourteen digits and their Luhn digit.
func imei(r *rand.Rand) string {
	digits := fmt.Sprintf("35%012d", r.Int64N(1e12))
	sum := 0
	for i, c := range digits {
		n := int(c - '0')
		if i%2 == 1 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return fmt.Sprintf("%s%d", digits, (10-sum%10)%10)
}

// or fills the fields of id that are empty with those of other.
func (id Identity) or(other Identity) Identity {
	return Identity{
		UDID:             cmp.Or(id.UDID, other.UDID),
		Name:             cmp.Or(id.Name, other.Name),
		DeviceClass:      cmp.Or(id.DeviceClass, other.DeviceClass),
		ProductType:      cmp.Or(id.ProductType, other.ProductType),
		HardwareModel:    cmp.Or(id.HardwareModel, other.HardwareModel),
		ProductVersion:   cmp.Or(id.ProductVersion, other.ProductVersion),
		BuildVersion:     cmp.Or(id.BuildVersion, BuildOf(cmp.Or(id.ProductVersion, other.ProductVersion))),
		SerialNumber:     cmp.Or(id.SerialNumber, other.SerialNumber),
		UniqueChipID:     cmp.Or(id.UniqueChipID, other.UniqueChipID),
		WiFiAddress:      cmp.Or(id.WiFiAddress, other.WiFiAddress),
		BluetoothAddress: cmp.Or(id.BluetoothAddress, other.BluetoothAddress),
		IMEI:             cmp.Or(id.IMEI, other.IMEI),
		PhoneNumber:      cmp.Or(id.PhoneNumber, other.PhoneNumber),
	}
}

// BuildOf returns the build number of an iOS version; for versions it has
// never heard of it makes one up in the same form.
func BuildOf(version string) string {
	builds := map[string]string{
		"9.3.5": "13G36", "12.5.7": "16H81", "15.8.3": "19H386", "16.7.10": "20H350",
		"17.5.1": "21F90", "17.7.2": "21H221", "18.5": "22F76", "18.6": "22G86", "26.6": "23G71",
	}
	if build, ok := builds[version]; ok {
		return build
	}
	major, minor := majorMinor(version)
	// Builds count four ahead of the version until 18, three behind since 26.
	series := major + 4
	if major >= 26 {
		series = major - 3
	}
	return fmt.Sprintf("%d%c%d", series, 'A'+rune(min(max(minor, 0), 25)), 80)
}

// majorMinor reads "17.5.1" as 17, 5; what is no number is 0.
func majorMinor(version string) (major, minor int) {
	// The error would say that there is no minor version, which is zero then.
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	return major, minor
}

// atLeast says whether the phone's iOS is that version or a later one.
func (id Identity) atLeast(major, minor int) bool {
	m, n := majorMinor(id.ProductVersion)
	return m > major || m == major && n >= minor
}
