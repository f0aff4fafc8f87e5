// An echo backend for dialect `wsaas` that takes signed events only (Standard Webhooks), with nothing but Go. Run it:
//
//	export WEBHOOK_SECRETS="whsec_$(head -c 32 /dev/urandom | base64)"
//	PORT=3000 go run examples/signed/backend.go
//	API_URI=http://127.0.0.1:3000 npm start         # then connect any WebSocket client to ws://127.0.0.1:8080/
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// Did somebody who knows one of the secrets sign this very body, for this very event, within the last minutes?
func isSigned(headers http.Header, body []byte) bool {
	event, timestamp := headers.Get("Webhook-Id"), headers.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || event != headers.Get("Ws-Event-Id") || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	for _, secret := range strings.Split(os.Getenv("WEBHOOK_SECRETS"), ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(secret), "whsec_"))
		if err != nil || len(key) < 24 { // nobody must get in by an empty one
			continue
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(append([]byte(event+"."+timestamp+"."), body...))
		wanted := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, given := range strings.Fields(headers.Get("Webhook-Signature")) {
			if hmac.Equal([]byte(wanted), []byte(given)) {
				return true
			}
		}
	}
	return false
}

func main() {
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil || !isSigned(request.Header, body) {
			response.WriteHeader(401)
			return
		}
		if request.Method == "PUT" {
			push, _ := http.NewRequest("PUT", "http://"+request.Header.Get("Ws-Uri"), strings.NewReader("You said: "+string(body)))
			if answer, err := http.DefaultClient.Do(push); err == nil {
				answer.Body.Close()
			}
		}
		fmt.Fprint(response, `{"code":"OK"}`)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	fmt.Printf("signed backend: http://%s\n", listener.Addr())
	panic(http.Serve(listener, nil))
}
