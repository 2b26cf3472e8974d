// Client is franz-go as a producer and as a consumer, with its own defaults.
//
//	client produce <host:port>                      records from standard input
//	client consume <host:port> <count> <topic> …    prints that many records
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type record struct {
	Topic     string            `json:"topic"`
	Partition int32             `json:"partition"`
	Key       string            `json:"key"`
	Value     string            `json:"value"`
	Headers   map[string]string `json:"headers"`
}

func main() {
	log.SetFlags(0)
	if os.Args[1] == "produce" {
		produce(os.Args[2])
		return
	}
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	consume(os.Args[2], count, os.Args[4:])
}

func produce(broker string) {
	// Its default partitioner is Java's.
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var one record
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			log.Fatal(err)
		}
		sent := &kgo.Record{Topic: one.Topic, Key: []byte(one.Key), Value: []byte(one.Value)}
		for name, value := range one.Headers {
			sent.Headers = append(sent.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
		done, err := client.ProduceSync(context.Background(), sent).First()
		if err != nil {
			log.Fatal(err)
		}
		_ = out.Encode(map[string]int32{"partition": done.Partition})
	}
}

func consume(broker string, left int, topics []string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	within, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out := json.NewEncoder(os.Stdout)
	for left > 0 {
		fetches := client.PollFetches(within)
		if errs := fetches.Errors(); len(errs) > 0 {
			log.Fatalf("%d records are missing: %v", left, errs)
		}
		fetches.EachRecord(func(got *kgo.Record) {
			headers := map[string]string{}
			for _, header := range got.Headers {
				headers[header.Key] = string(header.Value)
			}
			_ = out.Encode(record{got.Topic, got.Partition, string(got.Key), string(got.Value), headers})
			left--
		})
	}
}
