package extension

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// zipped is the time of every file in a package: the oldest that the format
// can say, so that the same build gives the same bytes.
var zipped = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Zip writes the extension as a store wants it: one package, without any
// pairing, the same bytes on every run.
func Zip(w io.Writer, b Browser) error {
	from, err := files(b)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	err = fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error { // in lexical order
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: zipped})
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return err
	})
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return fmt.Errorf("pack the extension: %w", err)
	}
	return nil
}

// Version is the built extension's version, as in its manifest.
func Version(b Browser) (string, error) {
	from, err := files(b)
	if err != nil {
		return "", err
	}
	var manifest struct {
		Version string `json:"version"`
	}
	data, err := fs.ReadFile(from, manifestName)
	if err == nil {
		err = json.Unmarshal(data, &manifest)
	}
	if err != nil {
		return "", fmt.Errorf("read the extension's manifest: %w", err)
	}
	return manifest.Version, nil
}
