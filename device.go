package russet

// Device is a phone or tablet as it was last seen.
type Device struct {
	UDID        UDID   `json:"udid"`
	Name        string `json:"name"`
	Class       string `json:"class"`        // "iPhone", "iPad", "iPod"
	ProductType string `json:"product_type"` // "iPhone16,1"
	Product     string `json:"product"`      // "iPhone 15 Pro"; "" if not in our table
	IOS         string `json:"ios"`
	Build       string `json:"build"`
	Connection  string `json:"connection"`        // "usb" or "network"
	Address     string `json:"address,omitempty"` // on the network, where russet reaches it itself
	Paired      bool   `json:"paired"`            // a session with this host works
	Locked      bool   `json:"locked"`
	Encrypted   bool   `json:"encrypted"` // a backup password is set on the device
	// EncryptedUnknown: it does not tell just now whether one is set.
	EncryptedUnknown bool `json:"encrypted_unknown,omitempty"`
	Power            bool `json:"power"`   // it is on power
	Battery          int  `json:"battery"` // percent; -1 when it does not tell
	WiFi             bool `json:"wifi"`    // its Wi-Fi access is on (EnableWifiConnections)
	// Untrusted: it must be paired, for the first time or again.
	Untrusted bool `json:"untrusted,omitempty"`
	// Problem says why it cannot be backed up now, with the next step; "" if it can.
	Problem string `json:"problem,omitempty"`
}
