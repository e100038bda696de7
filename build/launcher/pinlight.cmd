@rem The `pinlight` command of a package, on Windows.
@"%~dp0node\node.exe" "%~dp0agent\electron\cli\pinlight.mjs" %*
