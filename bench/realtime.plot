# SPDX-License-Identifier: Apache-2.0
# gnuplot -c bench/realtime.plot DISTRIBUTIONS PICTURE
set terminal pngcairo size 1000,560 font "sans,11"
set output ARG2
set title "An I/O loop with a slot every 20 us, while the root of trust is at work"
set xlabel "from the beginning of the slot until it is done, us"
set ylabel "share of slots that took longer"
set logscale xy
set format y "10^{%L}"
set xrange [0.5:200000]
set yrange [1e-6:1]
set grid
set key bottom left
set arrow from 20, graph 0 to 20, graph 1 nohead dashtype 2 linecolor rgb "#888888"
set label "slot" at 22, 0.5 textcolor rgb "#888888"
plot ARG1 using 1:2 with lines linewidth 2 title "alone", \
     '' using 1:3 with lines linewidth 2 title "work handed to the enclave through the queue", \
     '' using 1:4 with lines linewidth 2 title "the same work in the loop", \
     '' using 1:5 with lines linewidth 2 title "the same work by calls that wait"
