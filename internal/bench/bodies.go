package main

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"skand/fixtures/apple"
)

const benchApp = 525463029

// signer signs genuine postbacks with the key that the built servers take for
// Apple's, see build.go.
type signer struct {
	keys *apple.Apple
	p256 string // base64 SPKI
}

func newSigner() (*signer, error) {
	keys, err := apple.FromSeed(20260)
	if err != nil {
		return nil, err
	}
	public, err := keys.Public()
	if err != nil {
		return nil, err
	}
	for _, k := range public {
		if k.Name == apple.NameP256 {
			return &signer{keys, k.SPKI}, nil
		}
	}
	return nil, errors.New("the lab has no P-256 key")
}

// genuine is the request of postback i: SKAdNetwork 4.0, a winner of its own install.
func (s *signer) genuine(i int) ([]byte, error) {
	value := i % 64
	body, err := s.keys.Body(apple.Postback{
		Version: apple.V40, Network: "example123.skadnetwork", AppID: benchApp, Source: fmt.Sprintf("%04d", i%200),
		ID: fmt.Sprintf("6aafb7a5-0170-41b5-bbe4-%012x", i), Conversion: "download", Fidelity: 1, DidWin: true, Fine: &value,
	})
	if err != nil {
		return nil, err
	}
	return request(body), nil
}

// forged is the request of a 1.0 postback that nobody signed. Its signature has the
// shape of one, so that the receiver can't refuse it before the costly curve.
func forged(i int) ([]byte, error) {
	part := func() (*big.Int, error) {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 190))
		if err != nil {
			return nil, err
		}
		return n.Add(n, big.NewInt(1)), nil
	}
	r, err := part()
	if err != nil {
		return nil, err
	}
	s, err := part()
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		return nil, err
	}
	return request(fmt.Appendf(nil, `{"ad-network-id":"example123.skadnetwork","campaign-id":42,"app-id":%d,`+
		`"transaction-id":"7bafb7a5-0170-41b5-bbe4-%012x","attribution-signature":"%s"}`,
		benchApp, i, base64.StdEncoding.EncodeToString(der))), nil
}

// request is the whole HTTP request, ready to be written: the client should cost
// the machine as little as it can.
func request(body []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "POST /postbacks/skadnetwork HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return []byte(b.String())
}

// pool holds genuine requests, made before a measurement and shared by all servers.
type pool struct {
	signer *signer
	all    [][]byte
}

// upTo makes sure that there are n requests.
func (p *pool) upTo(n int) error {
	from := len(p.all)
	if n <= from {
		return nil
	}
	more, err := p.signer.some(from, n)
	p.all = append(p.all, more...)
	return err
}

// some makes the requests of postbacks from..to, on all cores.
func (s *signer) some(from, to int) ([][]byte, error) {
	list := make([][]byte, to-from)
	var g errgroup.Group
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		g.Go(func() error {
			for i := w; i < len(list); i += workers {
				var err error
				if list[i], err = s.genuine(from + i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return list, g.Wait()
}
