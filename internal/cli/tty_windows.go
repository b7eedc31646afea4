package cli

const ttyName = "CONOUT$"
