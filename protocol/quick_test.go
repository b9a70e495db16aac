package protocol

import (
	"reflect"
	"testing"
)

// FuzzQuickly: what is read in one pass is read as the careful way reads it.
func FuzzQuickly(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ready","request_id":"A","attempt":1}`, `{"type":"ready","request_id":"","attempt":1}`, `{"type":"ready","request_id":"a","attempt":1.0}`,
		`{"type":"delta","request_id":"a","attempt":2,"offset":0,"text":"x\u0000y"}`, `{"type":"delta","request_id":"a","attempt":2,"offset":-1,"text":"x"}`,
		`{"type":"delta","request_id":"a","attempt":2,"offset":null,"text":"x"}`, `{"type":"delta","request_id":"a","attempt":2,"offset":0,"text":null}`,
		`{"type":"response","request_id":"a","attempt":1,"response":"x","chat_id":"c","chat_title":null,"mode_used":"m","evidence":{"source":"dom","complete":true}}`,
		`{"type":"response","request_id":"a","attempt":1,"response":"x","evidence":7}`, `{"type":"response","request_id":"a","attempt":1,"response":7}`,
		`{"type":"ready","type":"delta","request_id":"a","attempt":1,"offset":1,"text":""}`, `{"type":"ready","TYPE":"pong","request_id":"a","attempt":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		quick, ok := quickly(data)
		if !ok {
			return
		}
		careful, err := decodeCarefully(data)
		if err != nil || !reflect.DeepEqual(quick, careful) {
			t.Fatalf("%s\nquickly   %#v\ncarefully %#v, %v", data, quick, careful, err)
		}
	})
}
