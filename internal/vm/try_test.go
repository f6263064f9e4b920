package vm

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	if os.Getenv("TRY") == "" {
		t.Skip()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	start := time.Now()
	m, err := Steer(ctx, Options{Kernel: os.Getenv("TRY"), Args: []string{"steered-guest"}, Dir: "/", CPUs: 4, Memory: "1G"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	fmt.Println("ready", time.Since(start), m.Took)
	m.Say("facts")
	m.CPUs.Go()
	fmt.Println(<-m.Lines)
	fmt.Println("facts", time.Since(start))
	m.Say("rest 20")
	fmt.Println(<-m.Lines, time.Since(start))
}
