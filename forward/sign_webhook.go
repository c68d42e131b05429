package forward

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Standard Webhooks, version 1 (https://www.standardwebhooks.com): its symmetric
// scheme. The id is the delivery's, the same in every attempt; the time is the
// attempt's, for receivers refuse what is older than some minutes.
const (
	headerWebhookID        = "webhook-id"
	headerWebhookTimestamp = "webhook-timestamp"
	headerWebhookSignature = "webhook-signature"

	webhookPrefix = "whsec_"
	// The specification's bounds of a key.
	minWebhookKey = 24
	maxWebhookKey = 64
)

const webhookRemedy = "`skand secret new` prints one"

// NewWebhookSecret makes a secret of 32 random bytes, as whsec_ and base64.
func NewWebhookSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	return webhookPrefix + base64.StdEncoding.EncodeToString(raw)
}

// webhookKey is the key of a secret. Errors never repeat it.
func webhookKey(secret string) ([]byte, error) {
	coded, ok := strings.CutPrefix(secret, webhookPrefix)
	if !ok {
		return nil, fmt.Errorf("the secret does not begin with %s; %s", webhookPrefix, webhookRemedy)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(coded)
	if err != nil || strings.ContainsAny(coded, "\r\n") {
		return nil, fmt.Errorf("what follows %s is not base64 with its padding; %s", webhookPrefix, webhookRemedy)
	}
	if len(key) < minWebhookKey || len(key) > maxWebhookKey {
		return nil, fmt.Errorf("the secret has %d bytes; it must have %d to %d; %s", len(key), minWebhookKey, maxWebhookKey, webhookRemedy)
	}
	return key, nil
}

// signWebhook is the webhook-signature of one attempt: a signature of each key, the
// newest first, so that a receiver with any of them accepts it.
func signWebhook(keys [][]byte, id string, at time.Time, body []byte) string {
	signed := make([]string, len(keys))
	for i, key := range keys {
		h := hmac.New(sha256.New, key)
		_, _ = h.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + ".")) // a hash takes everything
		_, _ = h.Write(body)
		signed[i] = "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	return strings.Join(signed, " ")
}

var errDotted = errors.New("the delivery's id has a dot, which would let two messages have one signature")

// applyWebhook sets the three headers.
func applyWebhook(r *Rendered, keys [][]byte, id string, at time.Time) error {
	if strings.Contains(id, ".") {
		return errDotted
	}
	r.Header.Set(headerWebhookID, id)
	r.Header.Set(headerWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(headerWebhookSignature, signWebhook(keys, id, at, r.Body))
	return nil
}
