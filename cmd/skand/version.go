package main

// version is set at build time: git describe of the commit.
var version = "dev"
