package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"skand/fixtures/apple"
)

// newSimulateKeysCmd writes the keys of a simulated Apple.
func newSimulateKeysCmd() *cobra.Command {
	var dir string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Write the keys of a simulated Apple",
		Long: `Write the keys of a simulated Apple to a folder:

  lab-keys.pem       private keys for 'skand simulate --key': lab-p192 (SKAdNetwork 1.0
                     and 2.0; PEM type "` + apple.PEMTypeP192 + `", the bare scalar, for
                     PKCS #8 has no such curve here), lab-p256 (SKAdNetwork 2.1 and later
                     and AdAttributionKit, kid "` + apple.KID + `") and lab-development
  trusted_keys.yaml  their public halves for 'skand apply -f'
  verify_keys.json   the production ones for 'skand verify --keys'

The keys are random, or those that 'skand simulate --seed N' derives with --seed N.
Files that exist are not overwritten.`,
		Example: "  skand simulate keys -o lab && skand apply -f lab/trusted_keys.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usagef("simulate keys: -o: name the folder to write to")
			}
			keys, err := apple.Random()
			if cmd.Flags().Changed("seed") {
				keys, err = apple.FromSeed(seed)
			}
			if err != nil {
				return fmt.Errorf("simulate keys: %w", err)
			}
			return writeLabKeys(cmd, dir, keys)
		},
	}
	cmd.Flags().StringVarP(&dir, "out", "o", "", "folder to write to; made if it isn't there")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "derive the keys from a seed instead of making random ones")
	return cmd
}

func writeLabKeys(cmd *cobra.Command, dir string, keys *apple.Apple) error {
	err := os.MkdirAll(dir, 0o755)
	if err != nil {
		return fmt.Errorf("simulate keys: %w", err)
	}
	for _, f := range []struct {
		name    string
		mode    os.FileMode
		content func() ([]byte, error)
	}{
		{"lab-keys.pem", 0o600, keys.PEM},
		{"trusted_keys.yaml", 0o644, keys.TrustedKeysYAML},
		{"verify_keys.json", 0o644, keys.VerifyKeysJSON},
	} {
		content, err := f.content()
		if err != nil {
			return fmt.Errorf("simulate keys: %w", err)
		}
		path := filepath.Join(dir, f.name)
		err = writeNew(path, content, f.mode)
		if err != nil {
			return fmt.Errorf("simulate keys: %w", err)
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
		if err != nil {
			return fmt.Errorf("simulate keys: %w", err)
		}
	}
	return nil
}

// writeNew never replaces a file: an old key may still be trusted somewhere.
func writeNew(path string, content []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	closed := f.Close()
	if err != nil {
		return err
	}
	return closed
}
