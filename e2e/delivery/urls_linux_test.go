package delivery

// hostile are URLs that no webhook may reach, on a server that anyone's network
// can be behind. {port} is the server's own port. The test's name server knows the
// names under .test (see names); any other name it takes for 127.0.0.1, as a
// resolver might that reads every spelling of an address.
var hostile = map[string][]string{
	"loopback": {
		"http://127.0.0.1/", "http://127.0.0.1:8080/hook", "https://127.0.0.1/", "http://127.255.255.254/", "http://127.1.2.3:6379/",
		"http://127.0.0.1:{port}/api/health/", "http://127.0.0.1:{port}/api/admin/accounts/", "http://localhost:{port}/metrics",
		"http://[::1]/", "http://[::1]:8080/", "https://[0:0:0:0:0:0:0:1]/", "http://[::1]:{port}/api/health/", "http://0.0.0.0/", "http://0.0.0.0:8080/", "http://[::]/", "http://0.1.2.3/",
	},
	"loopback by name": {
		"http://localhost/", "http://LOCALHOST:8080/", "http://localhost./", "http://app.localhost/", "http://localhost.localdomain/", "http://loop.test/", "https://loop.test/",
		"http://loop6.test/", "http://loop.test.:8080/", "http://127.0.0.1.nip.io/", "http://alias.test/",
	},
	"spellings of loopback": {
		"http://127.1/", "http://127.0.1/", "http://127.0.0.1./", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0X7F.1/", "http://017700000001/", "http://0177.0.0.1/",
		"http://0177.0.0.01/", "http://127.00000.0.1/", "http://127.0.0.0x1/", "http://0/", "http://0x0/", "http://00000000177.1/", "http://4294967297/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://ⓛocalhost/",
	},
	"private": {
		"http://10.0.0.1/", "http://10.255.255.255:8080/", "http://172.16.0.1/", "http://172.31.255.254/", "http://192.168.0.1/", "http://192.168.255.255/", "http://100.64.0.1/", "http://100.127.255.254/",
		"http://[fc00::1]/", "http://[fd12:3456:789a::1]/", "http://[fec0::1]/", "http://private.test/", "http://private6.test/", "http://167772161/", "http://0xa.0.0.1/",
	},
	"link local": {"http://169.254.0.1/", "http://169.254.255.254/", "http://[fe80::1]/", "http://[fe80::1%25lo]/", "http://link.test/"},
	"metadata": {
		"http://169.254.169.254/latest/meta-data/", "http://169.254.169.254./", "http://2852039166/", "http://0xA9FEA9FE/", "http://169.254.43518/", "http://169.254.170.2/v2/credentials", "http://100.100.100.200/", "http://168.63.129.16/",
		"http://192.0.0.192/", "http://[fd00:ec2::254]/", "http://[fd20:ce::254]/", "http://metadata.google.internal/", "http://meta.test/latest/meta-data/", "http://meta6.test/",
	},
	"reserved": {
		"http://192.0.2.1/", "http://198.51.100.7/", "http://203.0.113.7/", "http://198.18.0.1/", "http://192.88.99.1/", "http://240.0.0.1/", "http://255.255.255.255/", "http://192.0.0.1/",
		"http://[2001:db8::1]/", "http://[3fff::1]/", "http://[100::1]/", "http://[2001:2::1]/", "http://[5f00::1]/", "http://[4000::1]/",
	},
	"multicast": {"http://224.0.0.1/", "http://239.255.255.250:1900/", "http://[ff02::1]/", "http://[ff0e::1]/"},
	"IPv4 inside IPv6": {
		"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:169.254.169.254]/", "http://[::ffff:10.0.0.1]:8080/", "http://[0:0:0:0:0:ffff:a00:1]/", "http://[::127.0.0.1]/", "http://[::10.0.0.1]/",
		"http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b::10.0.0.1]/", "http://[64:ff9b:1::10.0.0.1]/", "http://[2002:7f00:1::1]/", "http://[2002:a9fe:a9fe::1]/", "http://[2002:5db8:d822::1]/",
		"http://[2001:0:7f00:1::1]/", "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", "http://[fe80::5efe:10.0.0.1]/", "http://mapped.test/", "http://nat64.test/", "http://sixtofour.test/",
	},
	"userinfo": {
		"http://user:password@93.184.216.34/", "http://93.184.216.34@127.0.0.1/", "http://127.0.0.1@93.184.216.34/", "http://user@loop.test/", "http://:@127.0.0.1/", "http://93.184.216.34:80@127.0.0.1:8080/",
	},
	"shapes": {
		"//127.0.0.1/", "http:/127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1/", "http://", "127.0.0.1", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://127.0.0.1/", "unix:///var/run/docker.sock", "javascript:alert(1)",
		"http://127.0.0.1\\@93.184.216.34/", "http://93.184.216.34\\@127.0.0.1/", "http://127.0.0.1#@93.184.216.34/", "http://93.184.216.34#@127.0.0.1/", "http://127.0.0.1?@93.184.216.34/", "http://93.184.216.34:0/", "http://93.184.216.34:65536/",
		"http://93.184.216.34:-1/", "http://127.0.0.1:80\r\nX-Injected: 1/", "http://127.0.0.1\t/", " http://127.0.0.1/", "http://127.0.0.1 /", "http://127.0.0.1%00.example.com/", "http://127.0.0.1%2f@93.184.216.34/", "http://[::1/", "http://[127.0.0.1]/",
		"http://[::1]93.184.216.34/", "http://%31%32%37.0.0.1/", "http://①⑥⑨.254.169.254/",
	},
}
